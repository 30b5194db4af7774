package import Diagnostics

/// What a station reports while it runs.
package enum StationEvent: Sendable {
    /// The progress or the result of the work on a card.
    case batch(BatchEvent, reader: StationReader)
    /// What comes next; sent whenever it changes.
    case waiting(StationState)
    /// The card in the reader is the finished card of `node`: nothing is written.
    case finishedCard(node: String, reader: StationReader)
    /// No node waits for the card.
    case noNodeLeft(reader: StationReader)
    /// The card cannot be written now; it is examined again until it can be written, or is taken out.
    case refused(Failure, reader: StationReader)
    /// It may hold somebody's data: it waits for the user's answer.
    case question(String, reader: StationReader)
    /// The user does not want it written.
    case leftAlone(reader: StationReader)
    case removed(reader: StationReader)
    /// The answer to a key that the user pressed.
    case answer(String)
}

/// The contents of the station's last line.
package struct StationState: Hashable, Sendable {
    /// The nodes that wait for a card, the next one first.
    package var left: [String]
    package var done: Int
    package var total: Int
    package var running: [String]
    /// The reader whose card waits for the user's answer.
    package var question: StationReader?
    /// The station ends when the running cards are done.
    package var isEnding: Bool

    package init(
        left: [String], done: Int, total: Int, running: [String], question: StationReader? = nil, isEnding: Bool = false
    ) {
        self.left = left
        self.done = done
        self.total = total
        self.running = running
        self.question = question
        self.isEnding = isEnding
    }
}

/// A reader at the station.
package struct StationReader: Hashable, Sendable {
    /// The user's name for it; nil if it has none.
    package let name: String?
    /// "/dev/sdb"
    package let device: String

    package init(name: String?, device: String) { (self.name, self.device) = (name, device) }
}

/// What the user orders.
package enum StationCommand: Hashable, Sendable {
    /// Move the next node to the end of the queue.
    case skip
    /// Take this node next.
    case pick(String)
    /// Write this node's whole card again.
    case redo(String)
    /// Take no further card; the station ends when the running ones are done.
    case quit
    /// Write the card that the question is about.
    case accept
    /// Do not write the card that the question is about.
    case decline
}
