/// What the kernel tells of a device's request queue (Documentation/ABI/stable/sysfs-block, queue/).
package struct DeviceQueue: Hashable, Sendable {
    /// The most that one request carries, in bytes (max_sectors_kb).
    package var largestRequest: Int
    /// How many requests wait in the queue before whoever adds another one has to (nr_requests).
    package var requests: Int
    /// The length that the device likes best, in bytes (optimal_io_size); 0 when it does not say.
    package var preferredLength: Int

    package init(largestRequest: Int, requests: Int, preferredLength: Int) {
        self.largestRequest = largestRequest
        self.requests = requests
        self.preferredLength = preferredLength
    }
}

/// How a card is read and written: in pieces of which length, and how many of them at a time.
struct Pace: Hashable, Sendable {
    /// The length of a chunk in bytes. A card writes at its full rate from 1 MiB on; the measurements behind this number
    /// are in docs/card-writing.md.
    static let chunk = 2 << 20

    /// In bytes, a multiple of 4096. Chunks start at its multiples.
    let chunk: Int
    /// How many chunks are with the device at a time.
    let inFlight: Int

    /// One more than are with the device: it reads the image, or compares, meanwhile.
    var threads: Int { inFlight + 1 }

    /// What suits a device with `queue`; nil stands for a file.
    init(_ queue: DeviceQueue?) {
        var chunk = Self.chunk
        // Some USB bridges give 65,535 sectors, which is no length to align to.
        if let length = queue?.preferredLength, length > 0, length <= chunk, length % 4096 == 0 {
            chunk = chunk / length * length
        }
        self.chunk = chunk
        // Two chunks in a queue that is too short for them would mix their requests, and a card that is written in two
        // places in turn copies its erase pages again and again. There the kernel keeps the queue full from one chunk.
        inFlight = queue.map { $0.largestRequest * $0.requests >= 2 * chunk } ?? true ? 2 : 1
    }
}
