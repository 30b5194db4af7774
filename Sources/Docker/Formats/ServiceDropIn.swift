import Text

/// Drop-ins that start dockerd as its unit does, but for some of its options.
package enum ServiceDropIn {
    /// Where systemd looks for drop-ins of docker.service. The first-boot program writes `piflash.conf` there, for the
    /// hosts of daemon.json.
    package static let directory = "/etc/systemd/system/docker.service.d"

    /// `command` is the unit's own ExecStart: only its -H goes, since paths and other options differ by package.
    package static func withoutHosts(_ command: String) -> String { unit(strip(command)) }

    /// The unit's command with more options, for engines before 1.10 whose unit reads no DOCKER_OPTS.
    package static func adding(_ words: [String], to command: String) -> String {
        let hasHosts = words.contains { $0.begins(with: "--host=") }
        let more = words.map { " " + systemdWord($0) }.joined()
        return unit((hasHosts ? strip(command) : command) + more)
    }

    /// The empty line takes back the unit's own command (systemd.service(5)).
    private static func unit(_ command: String) -> String { "[Service]\nExecStart=\nExecStart=\(command)\n" }

    private static func strip(_ command: String) -> String {
        var kept: [Substring] = []
        var skips = false
        for word in command.split(whereSeparator: { $0 == " " || $0 == "\t" }) {
            if skips {
                skips = false
            } else if word == "-H" || word == "--host" {
                skips = true
            } else if !word.begins(with: "-H"), !word.begins(with: "--host=") {
                kept.append(word)
            }
        }
        return kept.joined(separator: " ")
    }
}
