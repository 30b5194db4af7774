import Diagnostics
import Host
import Storage
import SystemPackage

/// Writes the output of a decoder, in order, to a file on its own thread, so that decoding continues meanwhile. Only
/// the decoding thread may use it.
final class StreamWriter: ImageOutput {
    /// Enough to tell a disk image from something else: the identifier of ISO 9660 is at 32 KiB (ECMA-119, 8.4).
    static let headSize = ImageSource.headSize
    /// Enough MiB that either thread can pause for a moment without stopping the other.
    private static let slots = 4

    private let ring = SlotRing(slots: slots)
    private let thread: WorkerThread<Void>
    private var slot: Int?
    private var filled = 0
    /// Where the current slot's first byte belongs in the file.
    private var start: Int64 = 0

    /// The first ``headSize`` bytes, or as many as have been written.
    private(set) var head: [UInt8] = []

    init(to file: GrowingFile) throws(Failure) {
        let ring = ring
        thread = try WorkerThread {
            while let filled = ring.nextFilled() {
                do throws(Failure) {
                    let bytes = UnsafeRawBufferPointer(ring.bytes(filled.slot))
                    try file.write(UnsafeRawBufferPointer(rebasing: bytes[..<filled.count]), at: filled.offset)
                } catch {
                    ring.fail(error)
                    return .failure(error)
                }
                file.grow(to: filled.offset + Int64(filled.count))
                ring.release(filled.slot)
            }
            return .success(())
        }
    }

    deinit { ring.close() }

    /// How many bytes have been written.
    var count: Int64 { start + Int64(filled) }

    func space() throws(Failure) -> UnsafeMutableRawBufferPointer {
        let current: Int
        if let slot { current = slot } else { current = try ring.takeFree() }
        slot = current
        return UnsafeMutableRawBufferPointer(rebasing: ring.bytes(current)[filled...])
    }

    func advance(by count: Int) {
        guard let slot, count > 0 else { return }
        if head.count < Self.headSize {
            head += ring.bytes(slot)[filled..<(filled + count)].prefix(Self.headSize - head.count)
        }
        filled += count
        if filled == SlotRing.slotSize { submit() }
    }

    /// Waits until all bytes are in the file.
    func finish() throws(Failure) {
        submit()
        ring.close()
        try thread.join().get()
    }

    /// Waits until the thread has ended, with or without a failure.
    func stop() {
        ring.close()
        _ = thread.join()
    }

    private func submit() {
        guard let slot else { return }
        ring.submit(.init(slot: slot, count: filled, offset: start))
        start += Int64(filled)
        filled = 0
        self.slot = nil
    }
}
