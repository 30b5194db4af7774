/// Recognises when another card is in the same reader, by comparing successive lists of disks.
package struct ReaderTracker: Sendable {
    /// A card in a reader.
    package struct Medium: Hashable, Sendable {
        /// A new number for each card that is inserted, even for the same card again.
        package let id: Int
        package let facts: DeviceFacts

        package init(id: Int, facts: DeviceFacts) { (self.id, self.facts) = (id, facts) }
    }

    private var known: [String: Medium] = [:]
    private var last = 0

    package init() {}

    /// The cards that are in `disks` now, in the order of `disks`. Readers without a card are left out.
    package mutating func update(_ disks: [DeviceFacts]) -> [Medium] {
        var present: [String: Medium] = [:]
        var result: [Medium] = []
        for facts in disks where facts.size > 0 {
            let medium: Medium
            if let earlier = known[facts.kernelName], Self.isSame(earlier.facts, facts) {
                medium = Medium(id: earlier.id, facts: facts)
            } else {
                last += 1
                medium = Medium(id: last, facts: facts)
            }
            present[facts.kernelName] = medium
            result.append(medium)
        }
        known = present
        return result
    }

    /// Before Linux 5.15 there is no number of the medium: a card counts as the same while each list has one of its
    /// size in its place. Nobody swaps two cards between two lists.
    private static func isSame(_ a: DeviceFacts, _ b: DeviceFacts) -> Bool {
        a.sequence == b.sequence && a.number == b.number && a.port == b.port && a.size == b.size && a.cid == b.cid
            && a.backingFile == b.backingFile
    }
}
