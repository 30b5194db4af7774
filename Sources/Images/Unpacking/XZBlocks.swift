import Diagnostics
import Host
import Storage

#if canImport(Glibc)
    import Glibc
#endif

/// Decodes an .xz file of several blocks, as `xz -T0` makes it, with several threads.
///
/// Each thread takes the next block and writes its bytes where they belong. So it needs only the memory of the
/// dictionaries, 8 MiB at xz's default level. liblzma's own lzma_stream_decoder_mt keeps complete blocks (three times
/// as large) for each thread, compressed and decompressed, to return them in order.
final class XZBlocks: Sendable {
    /// In bytes: the memory of all decoders together. It is enough for four threads at xz's levels up to 6; with a card
    /// that is written meanwhile, the process stays below 96 MiB. At level 9, with a dictionary of 64 MiB, there is one
    /// thread.
    static let memoryBudget: UInt64 = 40 << 20

    private struct State {
        var nextBlock = 0
        /// By block: how far it is decoded, as an offset in the unpacked file.
        var active: [Int: Int64] = [:]
        var packedDone: Int64 = 0
        var running = 0
        var reserved: UInt64 = 0
        var isStopped = false
        var failure: Failure?
    }

    private let source: ImageSource
    private let blocks: [XZIndex.Block]
    private let unpackedSize: Int64
    let threads: Int
    private let state = Monitor(State())

    /// Nil if several threads would not be faster: there is one block, one processor, or memory for one decoder.
    init?(_ source: ImageSource, processors: Int = sysconf(Int32(_SC_NPROCESSORS_ONLN))) throws(Failure) {
        let file = source.file
        guard let index = try XZIndex(of: file), index.blocks.count > 1 else { return nil }
        let first = try XZBlockDecoder(file).prepare(index.blocks[0]) + XZBlockDecoder.buffers
        threads = min(processors, index.blocks.count, Int(Self.memoryBudget / first))
        guard threads > 1 else { return nil }
        self.source = source
        blocks = index.blocks
        unpackedSize = index.unpackedSize
    }

    /// Decodes all blocks into `file`. Calls `tick` about twenty times a second with how many bytes of the source are
    /// done; if it throws, the work ends. All threads have ended when this returns.
    func unpack(to file: GrowingFile, tick: (Int64) throws(Failure) -> Void) throws(Failure) {
        let input = source.file
        do throws(Failure) {
            for _ in 0..<threads {
                state.update { $0.running += 1 }
                do throws(Failure) {
                    _ = try WorkerThread { [self] in
                        work(input, file)
                        return .success(())
                    }
                } catch {
                    state.update { $0.running -= 1 }
                    throw error
                }
            }
            while state.wait(milliseconds: 50, { $0.running == 0 ? true : nil }) == nil {
                try tick(state.update { $0.packedDone })
            }
        } catch {
            state.update { $0.isStopped = true }
            state.wait { $0.running == 0 ? () : nil }
            throw error
        }
        if let failure = state.update({ $0.failure }) { throw failure }
    }

    /// The work of each thread.
    private func work(_ input: ImageFile, _ file: GrowingFile) {
        let decoder = XZBlockDecoder(input)
        var reserved: UInt64 = 0
        do throws(Failure) {
            while let (number, block) = take() {
                let need = try decoder.prepare(block)
                if need > reserved {
                    // A block that needs more memory than the first one waits until there is enough, or no other is
                    // decoded.
                    decoder.forget()
                    reserve(need, insteadOf: reserved)
                    reserved = need
                }
                try decoder.decode(block) { (bytes, offset) throws(Failure) in
                    try file.write(bytes, at: block.unpacked.lowerBound + offset)
                    try advance(number, to: block.unpacked.lowerBound + offset + Int64(bytes.count), in: file)
                }
                finish(number, block, in: file)
            }
        } catch {
            state.update {
                $0.failure = $0.failure ?? error
                $0.isStopped = true
            }
        }
        decoder.forget()
        state.update {
            $0.reserved -= reserved
            $0.running -= 1
        }
    }

    private func take() -> (Int, XZIndex.Block)? {
        let number = state.update { state -> Int? in
            guard !state.isStopped, state.nextBlock < blocks.count else { return nil }
            defer { state.nextBlock += 1 }
            state.active[state.nextBlock] = blocks[state.nextBlock].unpacked.lowerBound
            return state.nextBlock
        }
        return number.map { ($0, blocks[$0]) }
    }

    private func reserve(_ need: UInt64, insteadOf reserved: UInt64) {
        state.update { $0.reserved -= reserved }
        state.wait { state -> Void? in
            guard state.isStopped || state.reserved == 0 || state.reserved + need <= Self.memoryBudget else {
                return nil
            }
            state.reserved += need
            return ()
        }
    }

    /// Says that block `number` is decoded up to `end`. Throws if the work was stopped.
    private func advance(_ number: Int, to end: Int64, in file: GrowingFile) throws(Failure) {
        let readable = state.update { state -> Int64? in
            state.active[number] = end
            return state.isStopped ? nil : readableEnd(state)
        }
        guard let readable else { throw Failure.stopped("while unpacking \(source.path)") }
        file.grow(to: readable)
    }

    private func finish(_ number: Int, _ block: XZIndex.Block, in file: GrowingFile) {
        let readable = state.update { state in
            state.active[number] = nil
            state.packedDone += Int64(block.packed.count)
            return readableEnd(state)
        }
        file.grow(to: readable)
    }

    /// Blocks are taken in order: all bytes before the first block that is being decoded are done.
    private func readableEnd(_ state: State) -> Int64 {
        guard let first = state.active.keys.min() else {
            return state.nextBlock < blocks.count ? blocks[state.nextBlock].unpacked.lowerBound : unpackedSize
        }
        return state.active[first] ?? 0
    }
}
