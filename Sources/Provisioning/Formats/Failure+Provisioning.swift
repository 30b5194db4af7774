package import Diagnostics

extension Failure.Code {
    /// The node cannot be put on this card.
    package static let provisioning = Self("provisioning")
}
