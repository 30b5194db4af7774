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
