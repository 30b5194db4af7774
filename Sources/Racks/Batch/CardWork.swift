/// What is done to a card.
package enum CardWork: String, Sendable {
    /// The whole image is written, with the node's settings.
    case write
    /// Only the settings are written: the card holds the right image already.
    case configure
}
