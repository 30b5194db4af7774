package import Diagnostics
package import Storage

/// Where a card's bytes go: a device that is open exclusively, or an image file.
///
/// Several threads read and write it at the same time, but never the same bytes.
package protocol CardTarget: WritableBlockStore {
    /// Whether the medium is still there. It decides how a failure is explained.
    var isPresent: Bool { get }

    /// The queue of the device; nil for a file.
    var queue: DeviceQueue? { get }

    /// Whether it is new and held only zeros when it was opened.
    var isBlank: Bool { get }

    /// Makes `range` (in bytes, whole sectors) read as zeros by a system call; false if the target has none.
    func zero(_ range: Range<Int64>) throws(Failure) -> Bool

    /// Makes the next reads come from the medium, not from a cache.
    func dropCache() throws(Failure)

    /// Makes the complete card visible: the kernel reads the new partition table, or a file gets its name.
    func finalize() throws(Failure)

    /// Called at most once, if the card failed: what was written must not look finished.
    func abandon()
}

extension CardTarget {
    package var isPresent: Bool { true }
    package var queue: DeviceQueue? { nil }
    package var isBlank: Bool { false }
    package func zero(_ range: Range<Int64>) throws(Failure) -> Bool { false }
}
