import Host
import Diagnostics
import Host
import Storage

/// Works through chunks of a card with a few threads: while some wait for the device, another one reads the image.
///
/// The chunks reach the device in the order in which they are given, ``Pace/inFlight`` at a time. Only the caller's
/// thread hands them out, reports progress and decides whether to go on. When ``run(_:pace:goesOn:didFinish:work:)``
/// returns or throws, all threads have finished their work and released their memory.
final class CardPipeline: Sendable {
    typealias Work = @Sendable (CardLane, Range<Int64>) throws(Failure) -> Void

    private struct Chunk {
        let number: Int
        let range: Range<Int64>
    }

    private struct State {
        var waiting: [Chunk] = []
        /// How many chunks the threads have been given and not finished.
        var busy = 0
        /// The lengths of finished chunks that have not been reported to the caller.
        var finished: [Int] = []
        var isClosed = false
        /// How many chunks have been admitted to the device, and how many have left it.
        var entered = 0
        var left = 0
        /// Why the earliest of the failed chunks failed.
        var failure: (number: Int, reason: Failure)?

        mutating func takeFinished() -> [Int] {
            defer { finished = [] }
            return finished
        }
    }

    private let pace: Pace
    private let work: Work
    private let state = Monitor(State())

    private init(_ pace: Pace, work: @escaping Work) {
        self.pace = pace
        self.work = work
    }

    /// Calls `work` for every chunk, on threads.
    ///
    /// - Parameters:
    ///   - goesOn: Called before each chunk is handed out.
    ///   - didFinish: Called with the length of each finished chunk, in bytes.
    /// - Returns: The start of the first chunk that was not handed out because `goesOn` returned false; nil if all are
    ///   done.
    static func run(
        _ chunks: some Sequence<Range<Int64>>, pace: Pace, goesOn: () throws(Failure) -> Bool,
        didFinish: (Int) -> Void, work: @escaping Work
    ) throws(Failure) -> Int64? {
        let pipeline = CardPipeline(pace, work: work)
        let threads = try pipeline.start()
        var stopped: Int64?
        var refusal: Failure?
        var number = 0
        for range in chunks {
            do throws(Failure) {
                guard try goesOn() else {
                    stopped = range.lowerBound
                    break
                }
            } catch {
                refusal = error
                break
            }
            guard pipeline.give(Chunk(number: number, range: range), threads: threads.count, didFinish) else { break }
            number += 1
        }
        pipeline.finish(didFinish)
        for thread in threads { _ = thread.join() }
        if let failure = pipeline.state.update({ $0.failure?.reason }) { throw failure }
        if let refusal { throw refusal }
        return stopped
    }

    // MARK: The caller's side

    private func start() throws(Failure) -> [WorkerThread<Void>] {
        var threads: [WorkerThread<Void>] = []
        for _ in 0..<pace.threads {
            do throws(Failure) {
                threads.append(
                    try WorkerThread {
                        self.serve()
                        return .success(())
                    })
            } catch {
                // Fewer threads are enough.
                guard threads.isEmpty else { break }
                throw error
            }
        }
        return threads
    }

    /// Waits for a thread without work and gives it the chunk; false if a chunk has failed.
    private func give(_ chunk: Chunk, threads: Int, _ didFinish: (Int) -> Void) -> Bool {
        let (isGiven, finished) = state.wait { state -> (Bool, [Int])? in
            let isGiven = state.failure == nil
            guard !isGiven || state.busy < threads else { return nil }
            if isGiven {
                state.waiting.append(chunk)
                state.busy += 1
            }
            return (isGiven, state.takeFinished())
        }
        for length in finished { didFinish(length) }
        return isGiven
    }

    /// Waits for the chunks that were handed out, and lets the threads end.
    private func finish(_ didFinish: (Int) -> Void) {
        state.update { $0.isClosed = true }
        var isBusy = true
        while isBusy {
            let finished: [Int]
            (isBusy, finished) = state.wait { state -> (Bool, [Int])? in
                guard state.busy == 0 || !state.finished.isEmpty else { return nil }
                return (state.busy > 0, state.takeFinished())
            }
            for length in finished { didFinish(length) }
        }
    }

    // MARK: The threads' side

    private func serve() {
        let (bytes, part) = (AlignedBuffer(count: pace.chunk), AlignedBuffer(count: CardLane.partLength))
        defer { withExtendedLifetime((bytes, part)) {} }
        while let chunk = next() {
            var reason: Failure?
            do throws(Failure) {
                try work(CardLane(bytes: bytes, part: part, number: chunk.number, pipeline: self), chunk.range)
            } catch { reason = error }
            state.update { state in
                state.busy -= 1
                guard let reason else { return state.finished.append(chunk.range.count) }
                // The earliest failure counts; a chunk that was only stopped has nothing to report.
                let isEarliest = state.failure.map { chunk.number < $0.number } ?? true
                if isEarliest, reason.code != .stopped { state.failure = (chunk.number, reason) }
            }
        }
    }

    private func next() -> Chunk? {
        // Nobody waits for a chunk to be taken.
        state.wait(waking: false) { state -> Chunk?? in
            if !state.waiting.isEmpty { return state.waiting.removeFirst() }
            return state.isClosed ? .some(nil) : nil
        }
    }

    /// Waits for the turn of chunk `number`. After a failure no chunk is admitted to the device.
    func enter(_ number: Int) throws(Failure) {
        let isAdmitted = state.wait { state -> Bool? in
            guard state.failure == nil else { return false }
            guard state.entered == number, state.entered - state.left < pace.inFlight else { return nil }
            state.entered += 1
            return true
        }
        guard isAdmitted else { throw Failure(.stopped, "stopped after the failure of another chunk") }
    }

    func leave() { state.update { $0.left += 1 } }
}

extension Failure.Code {
    /// A chunk was given up because another one failed; never seen outside.
    fileprivate static let stopped = Failure.Code("cards.stopped")
}
