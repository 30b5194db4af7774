/// What the kernel reports about a device's request queue (Documentation/ABI/stable/sysfs-block, queue/).
package struct DeviceQueue: Hashable, Sendable {
    /// The largest request, in bytes (max_sectors_kb).
    package var largestRequest: Int
    /// How many requests fit in the queue before the caller must wait (nr_requests).
    package var requests: Int
    /// The length that the device prefers, in bytes (optimal_io_size); 0 if it reports none.
    package var preferredLength: Int

    package init(largestRequest: Int, requests: Int, preferredLength: Int) {
        self.largestRequest = largestRequest
        self.requests = requests
        self.preferredLength = preferredLength
    }
}
