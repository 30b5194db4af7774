import Docker

/// Versions of the compose file format, 3.0 to 3.13, of which only the number after the point differs.
enum ComposeFormat {
    static let newest = 13

    /// The versions of Docker that brought each format (docker/cli, cli/compose/schema/data at its tags).
    private static let engines: [EngineVersion] = [
        EngineVersion(1, 13, 0), EngineVersion(1, 13, 1), EngineVersion(17, 4), EngineVersion(17, 6),
        EngineVersion(17, 9), EngineVersion(17, 12), EngineVersion(18, 2), EngineVersion(18, 6), EngineVersion(19, 3),
        EngineVersion(20, 10), EngineVersion(23, 0), EngineVersion(24, 0), EngineVersion(25, 0), EngineVersion(27, 0),
    ]

    /// The newest format that `docker stack deploy` of a version knows; nil if it knows none.
    static func newest(for engine: EngineVersion) -> Int? { engines.lastIndex { $0 <= engine } }

    /// A file may leave its version out from this Docker on; before it, that means the format 1.0, which no stack can have.
    static let optionalSince = EngineVersion(23, 0)

    /// From this version on, docker reads YAML 1.2 (gopkg.in/yaml.v3): `no` is a text.
    static let yaml12Since = EngineVersion(28, 0)
}
