import Foundation
import Recipes
import SystemPackage
import TestSupport
import Testing

@testable import Provisioning

/// The recipe's packages by the real apt and dpkg, from a signed archive.
@Suite struct RealPackageTests {
    typealias Shell = NodeRig.Shell

    private static func settings(
        _ packages: [String], _ change: (inout FirstBootSettings) -> Void = { _ in }
    ) -> FirstBootSettings {
        var settings = FirstBootSettings.sample(docker: false, managers: nil)
        settings.packages = packages
        change(&settings)
        return settings
    }

    private static func archive(_ settings: FirstBootSettings) throws -> DebianArchive {
        let archive = try DebianArchive(try NodeRig(settings))
        try archive.add("alpha", settings: "one\n")
        try archive.add("beta", depends: "alpha")
        try archive.publish()
        archive.nameAsFile()
        return archive
    }

    @Test(arguments: Shell.allCases)
    func `packages are installed with what they depend on`(_ shell: Shell) throws {
        let archive = try Self.archive(Self.settings(["beta"]))
        let result = try archive.rig.run(shell)
        #expect(result.succeeded, "\(result.errors)")
        #expect(archive.rig.status["state"] == "done")
        #expect(try archive.state(of: "alpha") == "installed")
        #expect(try archive.state(of: "beta") == "installed")
    }

    @Test(arguments: Shell.allCases)
    func `a list from the future is used while no time server has set the clock, and only then`(_ shell: Shell) throws {
        let archive = try Self.archive(Self.settings(["beta"]))
        try archive.publish(at: 3 * 86_400)
        // With the right time such a list is wrong.
        #expect(try archive.rig.run(shell).status == 1)
        #expect(archive.rig.status["state"] == "failed")
        #expect(archive.rig.status["step"] == "installing packages")
        #expect(archive.rig.status["last error"]?.contains("is not valid yet") == true, "\(archive.rig.status)")
        #expect(try archive.state(of: "beta").isEmpty)
        archive.rig.install("timedatectl", "echo 'System clock synchronized: no'")
        let result = try archive.rig.run(shell)
        #expect(result.succeeded, "\(result.errors)")
        #expect(try archive.state(of: "beta") == "installed")
    }

    @Test(arguments: Shell.allCases)
    func `a list that somebody has changed is not used`(_ shell: Shell) throws {
        let archive = try Self.archive(Self.settings(["beta"]))
        let path = "archive/debian/dists/stable/InRelease"
        archive.rig.scratch.write(
            archive.rig.text(path).replacingOccurrences(of: "Origin: test", with: "Origin: best"), to: path)
        archive.rig.install("timedatectl", "echo 'System clock synchronized: no'")
        #expect(try archive.rig.run(shell).status == 1)
        #expect(try archive.state(of: "beta").isEmpty)
    }

    @Test(arguments: Shell.allCases)
    func `a package that does not exist is named, the others are installed, and a later boot tries again`(
        _ shell: Shell
    ) throws {
        let archive = try Self.archive(Self.settings(["beta", "nfs-commonn", "alpha=7"]))
        #expect(try archive.rig.run(shell).status == 1)
        #expect(archive.rig.status["state"] == "failed")
        let error = archive.rig.status["last error"] ?? ""
        #expect(error.contains("nfs-commonn: Unable to locate package nfs-commonn"), "\(error)")
        #expect(error.contains("alpha=7: Version '7' for 'alpha' was not found"), "\(error)")
        #expect(try archive.state(of: "beta") == "installed")
        // The archive was read: another try would be in vain.
        #expect(archive.rig.text("apt.log").split(separator: "\n").count { $0.hasSuffix(" update") } == 1)
        try archive.add("nfs-commonn")
        try archive.add("alpha", version: "7")
        try archive.publish()
        #expect(try archive.rig.run(shell).succeeded)
        #expect(archive.rig.status["state"] == "done" && archive.rig.status["last error"] == nil)
        #expect(try archive.state(of: "nfs-commonn") == "installed")
    }

    @Test(arguments: Shell.allCases)
    func `an archive that comes up late is used at the next boot`(_ shell: Shell) throws {
        let archive = try Self.archive(Self.settings(["beta"]))
        let list = archive.rig.scratch["archive/debian/dists"].string
        try FileManager.default.moveItem(atPath: list, toPath: list + ".away")
        #expect(try archive.rig.run(shell).status == 1)
        #expect(archive.rig.status["state"] == "failed")
        #expect(archive.rig.text("apt.log").split(separator: "\n").count { $0.hasSuffix(" update") } == 3)
        try FileManager.default.moveItem(atPath: list + ".away", toPath: list)
        #expect(try archive.rig.run(shell).succeeded)
        #expect(try archive.state(of: "beta") == "installed")
    }

    @Test(arguments: Shell.allCases)
    func `one of several archives that is gone does not matter`(_ shell: Shell) throws {
        let archive = try Self.archive(Self.settings(["beta"]))
        archive.rig.scratch.write("deb file:/nonexistent stable main\n", to: "root/etc/apt/sources.list.d/gone.list")
        let result = try archive.rig.run(shell)
        #expect(result.succeeded, "\(result.errors)")
        #expect(try archive.state(of: "beta") == "installed")
    }

    @Test(arguments: Shell.allCases)
    func `what a power cut has left half installed is finished, and settings files stay`(_ shell: Shell) throws {
        let archive = try Self.archive(Self.settings(["beta"]))
        let rig = archive.rig
        let pool = rig.scratch["archive/debian/pool"]
        try archive.run(
            "dpkg", "--root=\(rig.scratch["root"])", "--force-not-root", "--log=/dev/null", "--unpack",
            "\(pool)/alpha_1.0_all.deb")
        #expect(try archive.state(of: "alpha") == "unpacked")
        #expect(try rig.run(shell).succeeded)
        #expect(try archive.state(of: "alpha") == "installed")
        // Both the node and a new version have another text: dpkg would ask.
        rig.scratch.write("mine\n", to: "root/etc/alpha.conf")
        try archive.add("alpha", version: "2.0", settings: "two\n")
        try archive.publish()
        rig.configure(Self.settings(["alpha=2.0"]))
        let result = try rig.run(shell)
        #expect(result.succeeded, "\(result.errors)")
        #expect(rig.text("root/etc/alpha.conf") == "mine\n")
        #expect(try archive.state(of: "alpha") == "installed")
    }

    @Test func `dpkg's lock is waited for`() throws {
        let archive = try Self.archive(Self.settings(["beta"]))
        let lock = archive.rig.scratch.write("", to: "root/var/lib/dpkg/lock-frontend").string
        let holder = try Helper(Helper.lock, [lock, "4"])
        #expect(try archive.rig.run(.dash).succeeded)
        #expect(archive.rig.text("apt.log").split(separator: "\n").count { $0.hasSuffix(" update") } == 1)
        #expect(holder.port == 1)
    }

    // MARK: The proxy

    private static func node(_ http: String, https: String? = nil, direct: [String] = []) -> Node {
        var node = Sample.bare()
        node.network.proxy = .init(
            http: Sample.at(http), https: Sample.at(https ?? http), noProxy: direct.map { Sample.at($0) },
            location: Sample.here)
        return node
    }

    @Test(arguments: Shell.allCases, ["", "me:se$cret;%41"])
    func `apt, curl and the recipe's commands go through the proxy, with its login`(
        _ shell: Shell, login: String
    ) throws {
        let archive = try Self.archive(Self.settings([]))
        let rig = archive.rig
        // In an address "%41" is an A.
        let decoded = login.replacingOccurrences(of: "%41", with: "A")
        let helper = try Helper(
            Helper.proxy, [rig.scratch["archive"].string, rig.scratch["proxy.log"].string, decoded])
        let address = "http://\(login.isEmpty ? "" : login + "@")127.0.0.1:\(helper.port)"
        let proxy = try #require(NodeProxy(Self.node(address)))
        #expect(proxy.holdsLogin == !login.isEmpty)
        for file in proxy.files { rig.scratch.write(file.contents, to: "root\(file.path)") }
        rig.scratch.write(
            "deb http://\(DebianArchive.host)/debian stable main\n", to: "root/etc/apt/sources.list")
        rig.configure(
            Self.settings(["beta"]) {
                $0.proxy = proxy
                $0.commands = [
                    "/usr/bin/curl -fsS http://\(DebianArchive.host)/debian/dists/stable/InRelease >\"$RIG/fetched\"; echo \"$http_proxy $HTTPS_PROXY\" >\"$RIG/seen\""
                ]
            })
        let result = try rig.run(shell)
        #expect(result.succeeded, "\(result.errors) \(rig.status) \(rig.text("proxy.log"))")
        #expect(try archive.state(of: "beta") == "installed")
        #expect(rig.text("fetched") == rig.text("archive/debian/dists/stable/InRelease"))
        #expect(rig.text("seen") == "\(address) \(address)\n")
        #expect(rig.text("proxy.log").contains("http://\(DebianArchive.host)/debian/pool/beta_1.0_all.deb"))
        // A login is never an argument, and never where everybody may read it.
        if !login.isEmpty {
            #expect(!rig.text("apt.log").contains("se$cret"))
            #expect(!rig.text("root/etc/environment").contains("@"))
            #expect(!result.errors.contains("se$cret"))
            #expect(proxy.files.allSatisfy { $0.mode == 0o600 && !$0.sensitive.isEmpty })
        } else {
            #expect(
                rig.text("root/etc/environment")
                    == "# piflash: proxy\nhttp_proxy=\(address)\nhttps_proxy=\(address)\nno_proxy=localhost,127.0.0.1,::1\n# piflash: end\n"
            )
            #expect(proxy.environmentFile("") == rig.text("root/etc/environment"))
            #expect(proxy.environmentFile(rig.text("root/etc/environment")) == rig.text("root/etc/environment"))
        }
        // Without the key in the recipe all of it goes.
        rig.scratch.write("PATH=/bin\n" + rig.text("root/etc/environment"), to: "root/etc/environment")
        rig.configure(Self.settings(["beta"]))
        #expect(try rig.run(shell).succeeded)
        #expect(rig.text("root/etc/environment") == "PATH=/bin\n")
        for path in NodeProxy.paths { #expect(!rig.has("root\(path)")) }
    }

    @Test func `hosts of no_proxy are reached directly by apt`() throws {
        let archive = try Self.archive(Self.settings([]))
        let rig = archive.rig
        let server = try Helper(Helper.proxy, [rig.scratch["archive"].string, rig.scratch["direct.log"].string, ""])
        // Nothing listens on the proxy's port.
        let proxy = try #require(NodeProxy(Self.node("http://127.0.0.1:9", direct: ["127.0.0.1", ".lan"])))
        for file in proxy.files { rig.scratch.write(file.contents, to: "root\(file.path)") }
        rig.scratch.write(
            "deb http://127.0.0.1:\(server.port)/debian stable main\n", to: "root/etc/apt/sources.list")
        rig.configure(Self.settings(["beta"]) { $0.proxy = proxy })
        let result = try rig.run(.dash)
        #expect(result.succeeded, "\(result.errors) \(rig.status)")
        #expect(try archive.state(of: "beta") == "installed")
    }

    @Test func `apt reads its file of proxies as it is meant`() throws {
        let node = Self.node(
            "http://me:pw@proxy.lan:3128", https: "https://[fd00::1]:3129", direct: ["apt.lan", "10.0.0.0/8"])
        let proxy = try #require(NodeProxy(node))
        let scratch = ScratchDirectory()
        let file = scratch.write(try #require(proxy.files.first).contents, to: "proxy.conf").string
        let dump = try OutsideTool("apt-config").run(["dump"], environment: ["APT_CONFIG": file]).text
        #expect(dump.contains("Acquire::http::Proxy \"http://me:pw@proxy.lan:3128\";"))
        #expect(dump.contains("Acquire::https::Proxy \"https://[fd00::1]:3129\";"))
        #expect(dump.contains("Acquire::http::Proxy::apt.lan \"DIRECT\";"))
        #expect(!dump.contains("10.0.0.0"))
    }

    // MARK: Archives that are gone

    static let moved: [(PackageArchive.Legacy, String, String)] = [
        (
            .raspbian, "deb http://raspbian.raspberrypi.org/raspbian/ buster main contrib non-free rpi\n",
            "deb http://legacy.raspbian.org/raspbian/ buster main contrib non-free rpi\n"
        ),
        (
            .raspbian,
            "deb http://mirrordirector.raspbian.org/raspbian/ jessie main\n#deb-src http://archive.raspbian.org/raspbian/ jessie main\n",
            "deb http://legacy.raspbian.org/raspbian/ jessie main\n#deb-src http://legacy.raspbian.org/raspbian/ jessie main\n"
        ),
        (
            .raspbian, "deb http://archive.raspberrypi.org/debian/ buster main\n",
            "deb http://archive.raspberrypi.org/debian/ buster main\n"
        ),
        (
            .raspbian,
            "deb https://packagecloud.io/Hypriot/Schatzkiste/debian/ wheezy main\ndeb [arch=armhf] https://packagecloud.io/Hypriot/rpi/debian stretch main\n",
            "# deb https://packagecloud.io/Hypriot/Schatzkiste/debian/ wheezy main\n# deb [arch=armhf] https://packagecloud.io/Hypriot/rpi/debian stretch main\n"
        ),
        (
            .debian,
            "deb http://deb.debian.org/debian buster main\ndeb http://security.debian.org/debian-security buster/updates main\ndeb http://deb.debian.org/debian-security buster/updates main\ndeb http://security.debian.org/ stretch/updates main\ndeb http://ftp.de.debian.org/debian buster main\n",
            "deb http://archive.debian.org/debian buster main\ndeb http://archive.debian.org/debian-security/ buster/updates main\ndeb http://archive.debian.org/debian-security buster/updates main\ndeb http://archive.debian.org/debian-security/ stretch/updates main\ndeb http://archive.debian.org/debian buster main\n"
        ),
        (
            .ubuntu,
            "Types: deb\nURIs: http://ports.ubuntu.com/ubuntu-ports/\nSuites: lunar lunar-updates\n\nURIs: http://security.ubuntu.com/ubuntu\n",
            "Types: deb\nURIs: http://old-releases.ubuntu.com/ubuntu/\nSuites: lunar lunar-updates\n\nURIs: http://old-releases.ubuntu.com/ubuntu\n"
        ),
    ]

    @Test(arguments: moved.indices, Shell.allCases)
    func `sources lists are pointed at the archive of old releases, once`(_ index: Int, _ shell: Shell) throws {
        let (legacy, before, after) = Self.moved[index]
        let archive = try Self.archive(Self.settings(["beta"]) { $0.legacyArchive = legacy })
        let path = "root/etc/apt/sources.list.d/vendor.\(before.hasPrefix("Types") ? "sources" : "list")"
        archive.rig.scratch.write(before, to: path)
        for _ in 1...2 {
            _ = try archive.rig.run(shell)
            #expect(archive.rig.text(path) == after)
        }
        #expect(archive.rig.text("root/etc/apt/sources.list").contains("deb file:"))
        #expect(
            archive.rig.text("root/etc/apt/apt.conf.d/80piflash-legacy").hasSuffix("Check-Valid-Until \"false\";\n"))
    }

    @Test(arguments: Shell.allCases)
    func `lists of old releases are used, though they are no longer valid`(_ shell: Shell) throws {
        let archive = try Self.archive(Self.settings(["beta"]))
        try archive.publish(at: -30 * 86_400)
        #expect(try archive.rig.run(shell).status == 1)
        #expect(archive.rig.status["last error"]?.contains("expired") == true, "\(archive.rig.status)")
        archive.rig.configure(Self.settings(["beta"]) { $0.legacyArchive = .debian })
        let result = try archive.rig.run(shell)
        #expect(result.succeeded, "\(result.errors)")
        #expect(try archive.state(of: "beta") == "installed")
    }
}
