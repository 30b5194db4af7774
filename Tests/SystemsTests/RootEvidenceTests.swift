import Diagnostics
import Foundation
import TestSupport
import Testing

@testable import Systems

/// What the files of a root partition say, one kind of file after another.
@Suite struct RootEvidenceTests {
    @Test(
        arguments: [
            ("5:19.03.12~3-0~raspbian-buster", "19.03.12"), ("1.6.0-1", "1.6.0"), ("17.09.0~ce-0~raspbian", "17.09.0"),
            ("17.05.0~ce-0~raspbian-jessie", "17.05.0"), ("20.10.24+dfsg1-1+deb12u1", "20.10.24"),
            ("1.12.1-0~jessie", "1.12.1"), ("20.2-2~deb10u2", "20.2"), ("0.7.6~bzr976-2", "0.7.6"),
            ("25.2-1~bpo13+1+rpt1", "25.2"), ("1:2.", "2"), ("", nil), ("~x", nil), ("1:", nil), (".5", nil),
        ] as [(String, String?)])
    func `a package's version is given without its packager's additions`(_ version: String, _ upstream: String?) {
        #expect(PackageVersion.upstream(version) == upstream)
    }

    // MARK: Packages

    static let status = """
        Package: docker-ce
        Status: install ok installed
        Version: 5:19.03.12~3-0~raspbian-buster
        Description: engine
         Package: systemd
         Version: 1

        Package: network-manager
        Status: deinstall ok config-files
        Version: 1.0

        Status: hold ok installed
        Version: 20.2-2~deb10u2
        Package: cloud-init

        Package: nano
        Status: install ok installed
        Version: 3.2

        Package: systemd
        Status: install ok unpacked
        Version: 241

        Package: sudo
        Status: install ok installed
        Version: 1.8.27
        """

    @Test(arguments: ["", "\n", "\n\n\n"])
    func `installed packages are found, whatever order their fields have`(_ end: String) {
        let found = PackageList.installed(
            in: Array((Self.status + end).utf8), of: RootSnapshot.lookedFor.union(["sudo"]))
        #expect(
            found == [
                "docker-ce": "5:19.03.12~3-0~raspbian-buster", "cloud-init": "20.2-2~deb10u2", "sudo": "1.8.27",
            ])
    }

    @Test func `this machine's packages are those that dpkg lists`() throws {
        let dpkg = try OutsideTool("dpkg-query").run(["-W", "-f", "${Package} ${Version} ${db:Status-Status}\\n"])
        #expect(dpkg.succeeded)
        var expected: [String: String] = [:]
        for line in dpkg.text.split(separator: "\n") where line.hasSuffix(" installed") {
            let words = line.split(separator: " ").map(String.init)
            expected[words[0]] = words[1]
        }
        let bytes = try [UInt8](Data(contentsOf: URL(fileURLWithPath: "/var/lib/dpkg/status")))
        let found = PackageList.installed(in: bytes, of: Set(expected.keys))
        // Two architectures of one package may differ in version.
        #expect(Set(found.keys) == Set(expected.keys))
    }

    @Test func `a truncated database gives the packages before its end`() {
        let cut = Array(Self.status.utf8.prefix(70))
        #expect(PackageList.installed(in: cut, of: RootSnapshot.lookedFor).count <= 1)
        #expect(PackageList.installed(in: [], of: RootSnapshot.lookedFor).isEmpty)
    }

    // MARK: Units

    @Test func `a unit's command is the last one that remains, with its lines joined`() {
        let unit = UnitFile(
            """
            [Unit]
            ExecStart=/not/this
            [Service]
            # ExecStart=/nor/this
            ExecStart=/usr/bin/dockerd
            ExecStart=
            ExecStart = /usr/bin/docker daemon \\
            # a comment in between
            ; and another
                -H fd:// \\
                $DOCKER_OPTS
            EnvironmentFile=-/etc/default/docker
            [Install]
            ExecStart=/nor/that
            """)
        #expect(unit.command == "/usr/bin/docker daemon -H fd:// $DOCKER_OPTS")
        #expect(unit.environmentFiles == ["/etc/default/docker"])
        #expect(unit.passes("DOCKER_OPTS", of: "/etc/default/docker"))
    }

    @Test(
        arguments: [
            ("ExecStart=/usr/bin/dockerd -H fd:// $DOCKER_OPTS\nEnvironmentFile=/etc/default/docker", true),
            ("EnvironmentFile=-/etc/default/docker\r\nExecStart=/usr/bin/dockerd ${DOCKER_OPTS}\r\n", true),
            ("ExecStart=/usr/bin/dockerd -H fd:// $DOCKER_OPTS", false),
            ("ExecStart=/usr/bin/dockerd -H fd://\nEnvironmentFile=-/etc/default/docker", false),
            ("ExecStart=/usr/bin/dockerd $DOCKER_OPTS_2\nEnvironmentFile=-/etc/default/docker", false),
            ("EnvironmentFile=-/etc/default/docker\nEnvironmentFile=\nExecStart=/x $DOCKER_OPTS", false),
            ("EnvironmentFile=-/etc/default/docker\nExecStart=", false), ("ExecStart=/x \\", false),
        ])
    func `options reach Docker if both lines are there`(_ lines: String, _ takes: Bool) {
        #expect(UnitFile("[Service]\n" + lines).passes("DOCKER_OPTS", of: "/etc/default/docker") == takes)
    }

    static func root(_ files: [String: String], _ packages: [String: String] = [:]) -> RootSnapshot {
        RootSnapshot(entries: files.mapValues { .init(.file(contents: Array($0.utf8))) }, packages: packages)
    }

    @Test func `a unit in /etc is read before the package's, and a script only if there is no unit`() {
        let unit = "[Service]\nExecStart=/usr/bin/dockerd\n"
        var files = ["/lib/systemd/system/docker.service": unit, "/etc/init.d/docker": ""]
        let package = ["docker-ce": "5:19.03.12~3-0"]
        #expect(
            Self.root(files, package).docker?.service
                == .unit(path: "/lib/systemd/system/docker.service", command: "/usr/bin/dockerd", takesOptions: false))
        files["/etc/systemd/system/docker.service"] = "[Service]\nExecStart=/mine\n"
        #expect(
            Self.root(files, package).docker?.service
                == .unit(path: "/etc/systemd/system/docker.service", command: "/mine", takesOptions: false))
        #expect(
            Self.root(["/etc/init.d/docker": ""], package).docker?.service == .script(path: "/etc/init.d/docker"))
        // A unit that comes with the package says nothing where sysvinit runs.
        files["/sbin/init"] = ""
        #expect(
            Self.root(files, package.merging(["sysvinit-core": "2.88"]) { $1 }).docker?.service
                == .script(path: "/etc/init.d/docker"))
        #expect(Self.root(files).docker == nil)
    }

    // MARK: Init, system, network

    @Test func `init is detected by its link, or by the package that excludes all others`() {
        var root = Self.root([:], ["systemd": "252.38-1~deb12u1", "systemd-sysv": "252.38-1~deb12u1"])
        #expect(root.initSystem == .init(.systemd, version: "252.38-1~deb12u1"))
        #expect(root.initSystem?.major == 252)
        root.entries["/sbin/init"] = .init(.symbolicLink(target: "/lib/systemd/systemd"))
        #expect(root.initSystem?.kind == .systemd)
        root.entries["/sbin/init"] = .init(.symbolicLink(target: "/bin/busybox"))
        #expect(root.initSystem == .init(.other))
        #expect(
            Self.root(["/sbin/init": ""], ["sysvinit": "2.88dsf-41"]).initSystem
                == .init(.sysvinit, version: "2.88dsf-41"))
        #expect(Self.root(["/sbin/init": ""]).initSystem == .init(.other))
        #expect(Self.root([:]).initSystem == nil)
    }

    @Test(
        arguments: [
            ("ID=raspbian\nVERSION_ID=\"7\"\nVERSION=\"7 (wheezy)\"\n", "raspbian", "wheezy"),
            ("ID=debian\nVERSION_CODENAME=bookworm\nVERSION=\"12 (x)\"", "debian", "bookworm"),
            ("ID=debian\nVERSION_ID=8", "debian", "jessie"),
            ("ID=ubuntu\nVERSION=\"24.04.1 LTS (Noble Numbat)\"\nVERSION_CODENAME=noble", "ubuntu", "noble"),
            ("ID=kali\nVERSION_ID=8", "kali", nil),
        ] as [(String, String, String?)])
    func `a system's codename is found in each generation of os-release`(
        _ text: String, _ id: String, _ codename: String?
    ) {
        let system = OSProfile.System(OSRelease(text))
        #expect(system?.id == id)
        #expect(system?.codename == codename)
        #expect(OSProfile.System(OSRelease("NAME=x")) == nil)
    }

    @Test(
        arguments: [
            ("bullseye", ["dhcpcd5", "network-manager", "ifupdown"], .dhcpcd),
            ("bookworm", ["network-manager"], .networkManager),
            ("bookworm", ["network-manager", "ifupdown", "dhcpcd"], .networkManager),
            ("buster", ["network-manager"], .networkManager), ("wheezy", ["ifupdown"], .ifupdown),
            ("bookworm", ["ifupdown", "dhcpcd-base"], .ifupdown), ("bookworm", ["dhcpcd5"], .dhcpcd),
            ("wheezy", [], nil),
        ] as [(String, [String], OSProfile.NetworkStack?)])
    func `the network stack follows from packages and release`(
        _ codename: String, _ packages: [String], _ stack: OSProfile.NetworkStack?
    ) {
        let root = Self.root(
            ["/etc/os-release": "ID=debian\nVERSION_CODENAME=\(codename)\n"],
            Dictionary(uniqueKeysWithValues: packages.map { ($0, "1") }))
        #expect(OSProfile.networkStack(.raspbian, root) == stack)
        #expect(OSProfile.networkStack(.ubuntuCloudInit, root) == .networkd)
    }
}
