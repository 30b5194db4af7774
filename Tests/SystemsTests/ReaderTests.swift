import Testing

@testable import Systems

/// Whether the program that reads a system's first-boot configuration is there, and runs.
@Suite struct ReaderTests {
    typealias Entry = RootSnapshot.Entry

    static let mask = Entry(.symbolicLink(target: "/dev/null"))
    static let empty = FlavourTests.file("")

    static let seed = ["config.txt": "auto_initramfs=1\n"].merging(FlavourTests.vendorSeed) { $1 }

    static func trixieBoot(_ words: String = "") -> BootSnapshot {
        FlavourTests.boot("bootfs", "rootwait resize" + words, issue: "2025-11-24", seed)
    }

    /// Trixie as it is published.
    static var trixie: RootSnapshot {
        var root = FlavourTests.root("trixie", id: "debian", systemd: "257.9-1", ["cloud-init": "25.2-1"])
        root.entries["/usr/bin/cloud-init"] = empty
        for unit in ["cloud-init-main.service", "cloud-init-local.service", "cloud-final.service"] {
            root.entries["/lib/systemd/system/\(unit)"] = empty
            root.entries["/etc/systemd/system/cloud-init.target.wants/\(unit)"] = empty
        }
        root.cloudConfiguration = [
            "datasource_list: [ NoCloud, None ]\ndatasource:\n  NoCloud:\n    seedfrom: file:///boot/firmware\n"
        ]
        return root
    }

    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        var words = ""
        let change: @Sendable (inout RootSnapshot) -> Void
        /// Part of the reason; nil if cloud-init is used.
        let reason: String?
    }

    static let cloudInit: [Case] = [
        Case(testDescription: "as published", change: { _ in }, reason: nil),
        Case(
            testDescription: "removed",
            change: {
                $0.packages["cloud-init"] = nil
                $0.entries["/usr/bin/cloud-init"] = nil
            }, reason: "cloud-init is not installed"),
        Case(
            testDescription: "installed without a package", change: { $0.packages["cloud-init"] = nil }, reason: nil),
        Case(
            testDescription: "its program deleted",
            change: {
                $0.entries["/usr/bin/cloud-init"] = nil
                $0.entries["/var/lib/dpkg/info/cloud-init.list"] = empty
            }, reason: "/usr/bin/cloud-init is missing"),
        Case(
            testDescription: "disabled by its file", change: { $0.entries["/etc/cloud/cloud-init.disabled"] = empty },
            reason: "disabled by /etc/cloud/cloud-init.disabled"),
        Case(
            testDescription: "disabled by the command line", words: " cloud-init=disabled", change: { _ in },
            reason: "cloud-init=disabled in the kernel command line"),
        Case(
            testDescription: "enabled by the command line against the file", words: " cloud-init=enabled",
            change: { $0.entries["/etc/cloud/cloud-init.disabled"] = empty }, reason: nil),
        Case(
            testDescription: "a unit masked",
            change: { $0.entries["/etc/systemd/system/cloud-init-main.service"] = mask },
            reason: "cloud-init-main.service is masked"),
        Case(
            testDescription: "its target masked",
            change: { $0.entries["/etc/systemd/system/cloud-init.target"] = mask },
            reason: "cloud-init.target is masked"),
        Case(
            testDescription: "a unit disabled",
            change: { $0.entries["/etc/systemd/system/cloud-init.target.wants/cloud-final.service"] = nil },
            reason: "cloud-final.service is disabled"),
        Case(
            testDescription: "other sources in a later file",
            change: { $0.cloudConfiguration.append("datasource_list:\n  - Ec2\n  - None\n") },
            reason: "its datasource_list is [Ec2, None], without NoCloud"),
        Case(
            testDescription: "NoCloud again in a still later file",
            change: { $0.cloudConfiguration += ["datasource_list: [Ec2]\n", "datasource_list: ['NoCloud']\n"] },
            reason: nil),
        Case(
            testDescription: "no seed on the boot partition",
            change: { $0.cloudConfiguration = ["datasource_list: [ NoCloud, None ]\n"] }, reason: "seedfrom"),
        Case(
            testDescription: "switched off by ds-identify's policy",
            change: { $0.entries["/etc/cloud/ds-identify.cfg"] = FlavourTests.file("policy: disabled\n") },
            reason: "policy of ds-identify"),
        Case(
            testDescription: "another source named for ds-identify", words: " ci.ds=Ec2", change: { _ in },
            reason: "another source than the boot partition: Ec2"),
        Case(
            testDescription: "ds-identify as Debian ships it",
            change: {
                $0.entries["/etc/cloud/ds-identify.cfg"] = FlavourTests.file("policy: search,found=all,maybe=none\n")
            }, reason: nil),
    ]

    @Test(arguments: cloudInit)
    func `user-data is written only if cloud-init reads it`(_ example: Case) throws {
        var root = Self.trixie
        example.change(&root)
        let profile = try OSProfile.detect(Self.trixieBoot(example.words), root: root)
        #expect(profile.flavour == (example.reason == nil ? .raspberryPiOSCloudInit : .raspberryPiOSFirstRun))
        #expect((profile.mechanismProblem == nil) == (example.reason == nil))
        if let reason = example.reason {
            #expect(profile.mechanismProblem?.contains(reason) == true, "\(profile.mechanismProblem ?? "")")
        }
        #expect(profile.bootMountPoint == "/boot/firmware" && profile.release == "2025-11-24")
    }

    @Test func `a card of before whose cloud-init was switched off since is configured another way`() throws {
        var boot = Self.trixieBoot()
        boot.files["piflash/card.json"] = Array(#"{"flavour": "raspberry-pi-os-cloud-init"}"#.utf8)
        var root = Self.trixie
        root.entries["/etc/cloud/cloud-init.disabled"] = Self.empty
        #expect(try OSProfile.detect(boot, root: root).flavour == .raspberryPiOSFirstRun)
        // Without the root partition nobody knows.
        #expect(try OSProfile.detect(boot).flavour == .raspberryPiOSCloudInit)
    }

    @Test func `HypriotOS without cloud-init is configured in its root partition, and stays what it is`() throws {
        let boot = FlavourTests.boot(
            "HypriotOS", FlavourTests.resizing,
            FlavourTests.seed.merging(["os-release": DetectionTests.hypriotRelease]) { $1 })
        let root = FlavourTests.root("buster", systemd: "241-7", ["docker-ce": "5:19.03.12~3", "sudo": "1"])
        let profile = try OSProfile.detect(boot, root: root)
        #expect(profile.flavour == .rootPartition)
        #expect(profile.mechanismProblem == "cloud-init is not installed")
        #expect(profile.release == "v1.10.0" && profile.docker?.version == "19.03.12")
        #expect(profile.bootMountPoint == "/boot")
        // The card that this makes is detected again.
        var later = boot
        later.files["piflash/card.json"] = Array(#"{"flavour": "root-partition"}"#.utf8)
        let again = try OSProfile.detect(later, root: root)
        #expect(again == profile)
    }

    @Test func `Ubuntu whose cloud-init does not run is refused with the reason`() {
        var root = FlavourTests.root("noble", id: "ubuntu", ["cloud-init": "24.1.3"])
        root.entries["/etc/cloud/cloud-init.disabled"] = Self.empty
        let boot = FlavourTests.boot("system-boot", "root=LABEL=writable", FlavourTests.seed)
        let failure = #expect(throws: (any Error).self) { try OSProfile.detect(boot, root: root) }
        #expect("\(failure.map { "\($0)" } ?? "")".contains("cloud-init is disabled by /etc/cloud/cloud-init.disabled"))
    }

    static func bookworm(_ date: String = "2024-07-04") -> (boot: BootSnapshot, root: RootSnapshot) {
        var root = FlavourTests.root(
            "bookworm", id: "debian", systemd: "252.26", ["raspberrypi-sys-mods": "1", "python3-toml": "0.10.2"])
        root.entries["/usr/lib/raspberrypi-sys-mods/firstboot"] = empty
        root.entries["/usr/lib/raspberrypi-sys-mods/init_config"] = FlavourTests.file(
            "#!/usr/bin/python3\nimport toml\n")
        return (FlavourTests.boot("bootfs", FlavourTests.firstBoot, issue: date, FlavourTests.initramfs), root)
    }

    @Test func `custom.toml is written only if firstboot, its reader and that one's module are there`() throws {
        let (boot, whole) = Self.bookworm()
        #expect(try OSProfile.detect(boot, root: whole).flavour == .raspberryPiOSCustomTOML)
        for (path, reason) in [("firstboot", "firstboot, which reads custom.toml"), ("init_config", "init_config")] {
            var root = whole
            root.entries["/usr/lib/raspberrypi-sys-mods/\(path)"] = nil
            let profile = try OSProfile.detect(boot, root: root)
            #expect(profile.flavour == .raspberryPiOSFirstRun)
            #expect(profile.mechanismProblem?.contains(reason) == true)
        }
        var root = whole
        root.packages["python3-toml"] = nil
        #expect(try OSProfile.detect(boot, root: root).mechanismProblem?.contains("python3-toml") == true)
        // Later ones take the module of Python itself.
        root.entries["/usr/lib/raspberrypi-sys-mods/init_config"] = FlavourTests.file("import tomllib\n")
        #expect(try OSProfile.detect(boot, root: root).flavour == .raspberryPiOSCustomTOML)
        // The first images lack it whatever their program looks like.
        let first = Self.bookworm("2022-09-06").boot
        #expect(try OSProfile.detect(first, root: root).flavour == .raspberryPiOSFirstRun)
        root.packages["python3-toml"] = "0.10.1"
        #expect(try OSProfile.detect(first, root: root).flavour == .raspberryPiOSCustomTOML)
    }

    @Test func `firstrun.sh needs systemd's generator, and without it the root partition takes all`() throws {
        let boot = FlavourTests.boot("boot", FlavourTests.resizing, issue: "2021-10-30")
        var root = FlavourTests.root("bullseye", systemd: "247.3")
        #expect(try OSProfile.detect(boot, root: root).flavour == .raspberryPiOSFirstRun)
        root.entries["/lib/systemd/system-generators"] = Entry(.directory)
        let profile = try OSProfile.detect(boot, root: root)
        #expect(profile.flavour == .rootPartition)
        #expect(profile.mechanismProblem?.contains("systemd-run-generator") == true)
        root.entries["/lib/systemd/system-generators/systemd-run-generator"] = Self.empty
        #expect(try OSProfile.detect(boot, root: root).flavour == .raspberryPiOSFirstRun)
        root.entries["/etc/systemd/system-generators/systemd-run-generator"] = Self.mask
        #expect(try OSProfile.detect(boot, root: root).mechanismProblem?.contains("masked") == true)
    }

    @Test func `trixie without cloud-init and without the generator is configured in its root partition`() throws {
        var root = Self.trixie
        root.entries["/etc/cloud/cloud-init.disabled"] = Self.empty
        root.entries["/etc/systemd/system-generators/systemd-run-generator"] = Self.mask
        #expect(try OSProfile.detect(Self.trixieBoot(), root: root).flavour == .rootPartition)
    }

    @Test func `DietPi reads dietpi.txt once`() throws {
        let boot = FlavourTests.boot(nil, "rootwait", ["dietpi.txt": ""])
        for (stage, isUsed) in [("-1\n", true), ("0\n", true), ("2\n", false), ("10", false)] {
            let root = FlavourTests.root(
                "bookworm", id: "debian", systemd: "252", [:], ["/boot/dietpi/.install_stage": FlavourTests.file(stage)]
            )
            #expect(try OSProfile.detect(boot, root: root).flavour == (isUsed ? .dietPi : .rootPartition), "\(stage)")
        }
    }

    @Test func `programs that read a host name are looked for, with what starts them`() throws {
        let sysconf = FlavourTests.boot("RASPIFIRM", "root=LABEL=RASPIROOT", ["sysconf.txt": ""])
        var root = FlavourTests.root("bookworm", id: "debian", systemd: "252")
        #expect(try OSProfile.detect(sysconf, root: root).mechanismProblem?.contains("rpi-set-sysconf") == true)
        root.entries["/usr/local/sbin/rpi-set-sysconf"] = Self.empty
        #expect(try OSProfile.detect(sysconf, root: root).flavour == .debianRaspi)
        root.entries["/etc/systemd/system/rpi-set-sysconf.service"] = Self.empty
        #expect(try OSProfile.detect(sysconf, root: root).mechanismProblem == "rpi-set-sysconf.service is disabled")
        root.entries["/etc/systemd/system/basic.target.requires/rpi-set-sysconf.service"] = Self.empty
        #expect(try OSProfile.detect(sysconf, root: root).flavour == .debianRaspi)

        let occi = FlavourTests.boot(nil, "root=/dev/mmcblk0p2", ["occidentalis.txt": ""])
        var old = FlavourTests.root("wheezy", ["sysvinit": "2.88"])
        #expect(try OSProfile.detect(occi, root: old).mechanismProblem?.contains("/usr/bin/occi") == true)
        old.entries["/usr/bin/occi"] = Self.empty
        old.entries["/etc/init.d/occi"] = Self.empty
        #expect(try OSProfile.detect(occi, root: old).flavour == .hypriotOccidentalis)
    }

    @Test func `small files that nothing takes from the boot partition are known`() {
        let root = FlavourTests.root(
            "bullseye", systemd: "247", ["raspberrypi-sys-mods": "1", "raspberrypi-net-mods": "1"])
        #expect(root.unreadBootFiles(of: .raspberryPiOSFirstRun) == [])
        #expect(FlavourTests.root("wheezy", ["sysvinit": "2.88"]).unreadBootFiles(of: .raspbian) == [])
        var without = root
        without.packages["raspberrypi-net-mods"] = nil
        #expect(without.unreadBootFiles(of: .raspberryPiOSFirstRun) == ["wpa_supplicant.conf"])
        without.packages["raspberrypi-sys-mods"] = nil
        #expect(without.unreadBootFiles(of: .raspberryPiOSFirstRun) == ["ssh", "wpa_supplicant.conf"])
        var masked = root
        masked.entries["/etc/systemd/system/sshswitch.service"] = Self.mask
        #expect(masked.unreadBootFiles(of: .raspbian) == ["ssh"])
        // Jessie's sys-mods took both.
        let jessie = FlavourTests.root("jessie", systemd: "215", ["raspberrypi-sys-mods": "1"])
        #expect(jessie.unreadBootFiles(of: .raspbian) == [])
    }

    @Test(
        arguments: [
            ("datasource_list: [ NoCloud, None ]", ["NoCloud", "None"]), ("datasource_list: ['Ec2']  # x", ["Ec2"]),
            ("# datasource_list: [Ec2]\nusers:\n - default", nil),
            ("datasource_list:\n- NoCloud\n- \"None\"\nusers: []", ["NoCloud", "None"]),
            ("datasource_list: [NoCloud,\n  None]\nx: 1", ["NoCloud", "None"]),
            ("datasource_list: [Ec2]\ndatasource_list: [NoCloud]", ["NoCloud"]), ("datasource_list: []\n", []),
            ("x:\n  datasource_list: [Ec2]\n", nil),
        ] as [(String, [String]?)])
    func `cloud-init's list of sources is read in each of its forms`(_ text: String, _ sources: [String]?) {
        #expect(CloudInitReader.sources(in: text) == sources)
    }
}
