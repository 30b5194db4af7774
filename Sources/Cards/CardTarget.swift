public import Diagnostics
public import Storage

/// Where a card's bytes go: a claimed device, or a file that stands for one.
public protocol CardTarget: WritableBlockStore {
    /// Whether it is still there. What a failure means for the user depends on it.
    var isPresent: Bool { get }

    /// Makes the next reads come from the medium, not from memory.
    func dropCache() throws(Failure)

    /// The card is complete: makes it visible (a partition table read anew, a file renamed into place).
    func seal() throws(Failure)

    /// The card failed: whatever was made must not look finished. Called at most once.
    func abandon()
}

extension CardTarget {
    public var isPresent: Bool { true }
}
