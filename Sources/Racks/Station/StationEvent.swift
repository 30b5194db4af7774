package import Diagnostics

/// What a station tells while it runs.
package enum StationEvent: Sendable {
    /// How far a card is, or how it went with it.
    case batch(BatchEvent, reader: StationReader)
    /// What comes next, told anew whenever it changes.
    case waiting(StationState)
    /// The card in the reader is the finished one of `node`: nothing is written.
    case finishedCard(node: String, reader: StationReader)
    /// No node waits for the card.
    case noNodeLeft(reader: StationReader)
    /// The card cannot be written as it is; it is looked at again until it can, or is taken out.
    case refused(Failure, reader: StationReader)
    /// Somebody's data may be on it: it waits for the user's word.
    case question(String, reader: StationReader)
    /// The user wants it left as it is.
    case leftAlone(reader: StationReader)
    case removed(reader: StationReader)
    /// An answer to what the user typed.
    case answer(String)
}

/// What stands in the station's last line.
package struct StationState: Hashable, Sendable {
    /// The nodes that wait for a card, the next one first.
    package var left: [String]
    package var done: Int
    package var total: Int
    package var running: [String]
    /// The reader whose card waits for the user's word.
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
    /// As the user calls it; nil when nobody said.
    package let name: String?
    /// "/dev/sdb"
    package let device: String

    package init(name: String?, device: String) { (self.name, self.device) = (name, device) }
}

/// What the user wants.
package enum StationCommand: Hashable, Sendable {
    /// The next node to the end of the queue.
    case skip
    /// This node next.
    case pick(String)
    /// This node again, whole.
    case redo(String)
    /// No further card; the station ends when the running ones are done.
    case quit
    /// Write the card that was asked about.
    case accept
    /// Leave the card that was asked about.
    case decline
}
