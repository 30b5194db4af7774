/// A drop-in that starts dockerd as its unit does, but leaves it to daemon.json where it listens.
public enum ServiceDropIn {
    public static let path = "/etc/systemd/system/docker.service.d/piflash.conf"

    /// `command` is the unit's own ExecStart: only its -H goes, since paths and other options differ by package.
    public static func withoutHosts(_ command: String) -> String {
        var kept: [Substring] = []
        var skips = false
        for word in command.split(whereSeparator: { $0 == " " || $0 == "\t" }) {
            if skips {
                skips = false
            } else if word == "-H" || word == "--host" {
                skips = true
            } else if !word.hasPrefix("-H"), !word.hasPrefix("--host=") {
                kept.append(word)
            }
        }
        // The empty line takes back the unit's own (systemd.service(5)).
        return "[Service]\nExecStart=\nExecStart=\(kept.joined(separator: " "))\n"
    }
}
