/// How a card is read and written: the length of a chunk, and how many chunks are transferred at a time.
struct Pace: Hashable, Sendable {
    /// The usual length of a chunk in bytes. A card writes at its full rate from 1 MiB on; docs/card-writing.md has the
    /// measurements behind this number.
    static let chunk = 2 << 20

    /// In bytes, a multiple of 4096. Chunks start at multiples of it.
    let chunk: Int
    /// How many chunks the device has at a time.
    let inFlight: Int

    /// One more than the device has: meanwhile it reads the image, or compares.
    var threads: Int { inFlight + 1 }

    /// The pace for a device with `queue`; nil means a file.
    init(_ queue: DeviceQueue?) {
        var chunk = Self.chunk
        // Some USB bridges report 65,535 sectors, which is not a length to align to.
        if let length = queue?.preferredLength, length > 0, length <= chunk, length % 4096 == 0 {
            chunk = chunk / length * length
        }
        self.chunk = chunk
        // If the queue is too short for two chunks, their requests mix, and a card that is written in two places in
        // turn copies its erase pages again and again. One chunk keeps such a queue full.
        inFlight = queue.map { $0.largestRequest * $0.requests >= 2 * chunk } ?? true ? 2 : 1
    }
}
