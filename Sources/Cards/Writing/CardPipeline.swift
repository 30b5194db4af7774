import Diagnostics
import Storage
import SystemPackage

#if canImport(Glibc)
    import Glibc
#endif

/// Works through chunks of a card with a few threads: while some wait for the device, another one reads the image.
///
/// The chunks reach the device in the order in which they are given, ``Pace/inFlight`` at a time. The caller's own thread
/// hands them out, so that it alone reports progress and is asked whether to go on. Every thread has ended, and let go of
/// its memory, when ``run(_:goesOn:didFinish:work:)`` returns or throws.
///
/// `@unchecked Sendable`: `state` is read and written only between lock() and unlock(), or when all threads have been
/// joined; everything else is constant.
final class CardPipeline: @unchecked Sendable {
    typealias Work = @Sendable (CardLane, Range<Int64>) throws(Failure) -> Void

    private struct State {
        var waiting: [(number: Int, range: Range<Int64>)] = []
        /// How many chunks were given to threads and not finished by them.
        var busy = 0
        /// The lengths of finished chunks that the caller has not been told of.
        var finished: [Int] = []
        var isClosed = false
        /// How many chunks have been let to the device, and how many have come back.
        var entered = 0
        var left = 0
        /// What happened to the earliest chunk that failed.
        var failure: (number: Int, reason: Failure)?
    }

    private let pace: Pace
    private let work: Work
    private var state = State()
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    /// Something in `state` has changed.
    private let change = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

    private init(_ pace: Pace, work: @escaping Work) {
        self.pace = pace
        self.work = work
        // Neither fails with default attributes on Linux (pthread_mutex_init(3), pthread_cond_init(3)).
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(change, nil)
    }

    deinit {
        pthread_mutex_destroy(mutex)
        pthread_cond_destroy(change)
        mutex.deallocate()
        change.deallocate()
    }

    /// Calls `work` for every chunk, on threads.
    ///
    /// - Parameters:
    ///   - goesOn: Asked before each chunk is handed out.
    ///   - didFinish: Told the length of each finished chunk, in bytes.
    /// - Returns: Where the first chunk begins that was not handed out, since `goesOn` said no; nil when all are done.
    static func run(
        _ chunks: some Sequence<Range<Int64>>, pace: Pace, goesOn: () throws(Failure) -> Bool,
        didFinish: (Int) -> Void, work: @escaping Work
    ) throws(Failure) -> Int64? {
        let pipeline = CardPipeline(pace, work: work)
        let threads = try pipeline.start()
        var stopped: Int64?
        var refusal: Failure?
        var number = 0
        for chunk in chunks {
            do throws(Failure) {
                guard try goesOn() else {
                    stopped = chunk.lowerBound
                    break
                }
            } catch {
                refusal = error
                break
            }
            guard pipeline.give(chunk, number, threads: threads.count, didFinish) else { break }
            number += 1
        }
        pipeline.finish(didFinish)
        for thread in threads { pthread_join(thread, nil) }
        if let failure = pipeline.state.failure { throw failure.reason }
        if let refusal { throw refusal }
        return stopped
    }

    // MARK: The caller's side

    private func start() throws(Failure) -> [pthread_t] {
        var threads: [pthread_t] = []
        for _ in 0..<pace.threads {
            var thread = pthread_t()
            let own = Unmanaged.passRetained(self)
            let result = pthread_create(
                &thread, nil,
                { context in
                    if let context { Unmanaged<CardPipeline>.fromOpaque(context).takeRetainedValue().serve() }
                    return nil
                }, own.toOpaque())
            guard result == 0 else {
                own.release()
                // Fewer do it too.
                guard threads.isEmpty else { break }
                throw .system("starting a thread", Errno(rawValue: result))
            }
            threads.append(thread)
        }
        return threads
    }

    /// Waits for a thread without work and gives it the chunk; false when one has failed.
    private func give(_ chunk: Range<Int64>, _ number: Int, threads: Int, _ didFinish: (Int) -> Void) -> Bool {
        lock()
        while state.busy >= threads, state.failure == nil { wait() }
        let isGiven = state.failure == nil
        if isGiven {
            state.waiting.append((number, chunk))
            state.busy += 1
            pthread_cond_broadcast(change)
        }
        report(didFinish)
        return isGiven
    }

    /// Waits for what is handed out, and lets the threads end.
    private func finish(_ didFinish: (Int) -> Void) {
        var isBusy = true
        while isBusy {
            lock()
            state.isClosed = true
            pthread_cond_broadcast(change)
            while state.busy > 0, state.finished.isEmpty { wait() }
            isBusy = state.busy > 0
            report(didFinish)
        }
    }

    /// Lets go of the lock, then tells the caller of what has been finished.
    private func report(_ didFinish: (Int) -> Void) {
        let finished = state.finished
        state.finished = []
        unlock()
        for length in finished { didFinish(length) }
    }

    // MARK: The threads' side

    private func serve() {
        let (bytes, part) = (AlignedBuffer(count: pace.chunk), AlignedBuffer(count: CardLane.partLength))
        defer { withExtendedLifetime((bytes, part)) {} }
        while let (number, range) = next() {
            var reason: Failure?
            do throws(Failure) {
                try work(CardLane(bytes: bytes, part: part, number: number, pipeline: self), range)
            } catch { reason = error }
            lock()
            state.busy -= 1
            if let reason {
                // Of several the earliest; what was only stopped has nothing to tell.
                let isEarliest = state.failure.map { number < $0.number } ?? true
                if isEarliest, reason.code != .stopped { state.failure = (number, reason) }
            } else {
                state.finished.append(range.count)
            }
            pthread_cond_broadcast(change)
            unlock()
        }
    }

    private func next() -> (number: Int, range: Range<Int64>)? {
        lock()
        defer { unlock() }
        while state.waiting.isEmpty, !state.isClosed { wait() }
        return state.waiting.isEmpty ? nil : state.waiting.removeFirst()
    }

    /// Waits for the turn of chunk `number`. After a failure nobody is let to the device any more.
    func enter(_ number: Int) throws(Failure) {
        lock()
        defer { unlock() }
        while state.failure == nil, state.entered != number || state.entered - state.left >= pace.inFlight { wait() }
        guard state.failure == nil else { throw Failure(.stopped, "stopped after the failure of another chunk") }
        state.entered += 1
        pthread_cond_broadcast(change)
    }

    func leave() {
        lock()
        state.left += 1
        pthread_cond_broadcast(change)
        unlock()
    }

    private func lock() { pthread_mutex_lock(mutex) }
    private func unlock() { pthread_mutex_unlock(mutex) }
    private func wait() { pthread_cond_wait(change, mutex) }
}

extension Failure.Code {
    /// A chunk was given up since another one failed; never seen outside.
    fileprivate static let stopped = Failure.Code("cards.stopped")
}
