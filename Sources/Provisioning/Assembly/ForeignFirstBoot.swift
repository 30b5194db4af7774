import Text
import Diagnostics
import Systems

/// A first-boot configuration that somebody else has put on an image of Raspberry Pi OS, such as Raspberry Pi Imager. Beside
/// the recipe's it would make another node: a second `systemd.run=` whose script is missing even keeps ours from running.
struct ForeignFirstBoot: Sendable {
    /// Files on the boot partition that the system would apply.
    let files: [String]
    /// Words of the kernel command line that start a script.
    let words: [String]

    private static let names = ["custom.toml", "firstrun.sh", "userconf", "userconf.txt", BootPath.wpaSupplicant]

    /// systemd-run-generator(8).
    private static func isStart(_ word: String) -> Bool {
        ["systemd.run=", "systemd.run_success_action=", "systemd.run_failure_action="].contains(where: word.hasPrefix)
            || word == "systemd.unit=kernel-command-line.target"
    }

    /// - Parameters:
    ///   - managed: the files that piflash puts on this card.
    ///   - previous: the card's record; what that lists is not foreign.
    init(_ draft: Draft, kernel: KernelCommandLine, managed: [String], previous: CardRecord?) {
        switch draft.profile.flavour {
        case .raspbian, .raspberryPiOSFirstRun, .raspberryPiOSCustomTOML, .raspberryPiOSCloudInit, .rootPartition:
            files = Self.names.filter {
                draft.boot.has($0) && !managed.contains($0) && previous?.files.contains($0) != true
            }
            words = kernel.tokens.filter { Self.isStart($0) && previous?.cmdlineAdded.contains($0) != true }
        case .hypriotOccidentalis, .hypriotDeviceInit, .hypriotCloudInit, .ubuntuCloudInit, .dietPi, .debianRaspi:
            (files, words) = ([], [])
        }
    }

    func warning(at location: Location) -> Diagnostic? {
        let found = files + words.filter { $0.begins(with: "systemd.run=") }
        guard !found.isEmpty else { return nil }
        return Diagnostic(
            .warning, at: location,
            "the image already has a first-boot configuration (\(found.joined(separator: ", "))), which piflash removes: only the recipe counts"
        )
    }
}
