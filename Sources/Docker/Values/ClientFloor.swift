/// The oldest docker command that an engine answers. Each API version came with one Docker, whose command speaks it; a newer
/// command speaks older versions, too.
package struct ClientFloor: Hashable, Sendable {
    /// "1.44"
    package let api: String
    /// The first Docker whose command speaks that version.
    package let client: EngineVersion

    private init(_ api: String, _ client: EngineVersion) {
        self.api = api
        self.client = client
    }

    /// The engines whose least API version was raised, newest first (moby, api/common.go and its release notes).
    private static let floors: [(engine: EngineVersion, floor: ClientFloor)] = [
        (EngineVersion(29, 3), ClientFloor("1.40", EngineVersion(19, 3))),
        (EngineVersion(29, 0), ClientFloor("1.44", EngineVersion(25, 0))),
        (EngineVersion(25, 0), ClientFloor("1.24", EngineVersion(1, 12))),
    ]

    /// Nil for an engine that answers every docker command.
    package static func of(_ engine: EngineVersion) -> ClientFloor? {
        floors.first { engine >= $0.engine }?.floor
    }
}
