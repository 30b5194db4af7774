import Systems
import Testing

@testable import Provisioning

@Suite struct RemovableFilesTests {
    private static let ours = [
        "/etc/docker/piflash/key.pem", "/var/cache/piflash/packages/0123456789ab-docker.deb",
        "/var/cache/piflash/images/0123456789ab-web.tar",
        "/etc/NetworkManager/system-connections/piflash-wlan0-1.nmconnection", "/etc/piflash/swarm/worker_key",
        "/etc/piflash/stacks/web.yml", "/etc/systemd/system/docker.service.d/piflash-proxy.conf",
    ]

    @Test func `files of every kind that a card can have are removable`() {
        #expect(Self.ours.filter { !RemovableFiles.isRootFile($0) } == [])
        for path in ["network-config", "firstrun.sh", "piflash/join-token", "dietpi-wifi.txt"] {
            #expect(RemovableFiles.isBootFile(path), "\(path)")
        }
    }

    /// Each path of ours, spelt so that it leads elsewhere or is another path to some program.
    @Test(arguments: ours)
    func `no other spelling of a path is removable`(_ path: String) throws {
        let slash = try #require(path.lastIndex(of: "/"))
        let (directory, name) = (path[..<slash], path[slash...].dropFirst())
        for other in [
            "\(directory)/../../etc/shadow", "\(directory)/../\(name)", "\(directory)/./\(name)",
            "\(directory)//\(name)",
            "/\(path)", String(path.dropFirst()), "..\(path)", "/..\(path)", "\(path)/", "\(path)/.", "\(path)/..",
            "\(path)\u{0}", "\(directory)/\u{0}/\(name)", "\(path)\n", "\(directory)/a/\(name)", String(directory),
            "\(directory)/", "\(directory)/..", "\(directory)/...\u{7F}", path.uppercased(),
        ] {
            #expect(!RemovableFiles.isRootFile(other), "\(other.debugDescription)")
        }
    }

    @Test func `nothing of the system is removable`() {
        for path in [
            "/etc/shadow", "/etc/docker/piflash", "/etc/docker/piflash/other", "/var/cache/piflash/packages",
            "/var/cache/piflash/0123-x", "/etc/piflash/settings", "/etc/piflash/stacks/web.sh",
            "/etc/piflash/swarm/salt",
            "/etc/NetworkManager/system-connections/home.nmconnection",
            "/etc/NetworkManager/system-connections/piflash-wlan0-1", "",
        ] {
            #expect(!RemovableFiles.isRootFile(path), "\(path)")
        }
        for path in [
            "config.txt", "cmdline.txt", "kernel8.img", "user-data", "../network-config", "piflash/../kernel.img", "",
        ] {
            #expect(!RemovableFiles.isBootFile(path), "\(path)")
        }
    }
}
