public import Diagnostics

extension Failure.Code {
    /// The node cannot be put on this card.
    public static let provisioning = Self("provisioning")
}
