/// Tells one card from the next in the same reader, look by look.
package struct ReaderTracker: Sendable {
    /// A card in a reader.
    package struct Medium: Hashable, Sendable {
        /// Another one for every card that is put in, also for the same card again.
        package let id: Int
        package let facts: DeviceFacts

        package init(id: Int, facts: DeviceFacts) { (self.id, self.facts) = (id, facts) }
    }

    private var known: [String: Medium] = [:]
    private var last = 0

    package init() {}

    /// The cards that are in `disks` now, by the order of `disks`. A reader without a card is none.
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

    /// Before Linux 5.15 there is no number of the medium: a card is the same as long as every look finds one of its
    /// size there. No hand changes one for another between two looks.
    private static func isSame(_ a: DeviceFacts, _ b: DeviceFacts) -> Bool {
        a.sequence == b.sequence && a.number == b.number && a.port == b.port && a.size == b.size && a.cid == b.cid
            && a.backingFile == b.backingFile
    }
}
