package import Diagnostics
package import Storage

/// Where a card's bytes go: a claimed device, or a file that stands for one.
///
/// Several threads read and write it at a time, never the same bytes.
package protocol CardTarget: WritableBlockStore {
    /// Whether it is still there. What a failure means for the user depends on it.
    var isPresent: Bool { get }

    /// The queue of the device; nil for a file.
    var queue: DeviceQueue? { get }

    /// Whether nothing but zeros was on it when it was opened, since it is new.
    var isBlank: Bool { get }

    /// Makes `range` (in bytes, whole sectors) read as zeros by the system's own means; false when it has none.
    func zero(_ range: Range<Int64>) throws(Failure) -> Bool

    /// Makes the next reads come from the medium, not from memory.
    func dropCache() throws(Failure)

    /// The card is complete: makes it visible (a partition table read anew, a file renamed into place).
    func seal() throws(Failure)

    /// The card failed: whatever was made must not look finished. Called at most once.
    func abandon()
}

extension CardTarget {
    package var isPresent: Bool { true }
    package var queue: DeviceQueue? { nil }
    package var isBlank: Bool { false }
    package func zero(_ range: Range<Int64>) throws(Failure) -> Bool { false }
}
