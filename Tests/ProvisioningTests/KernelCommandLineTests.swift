import Diagnostics
import Recipes
import Systems
import Testing
import Text

@testable import Provisioning

@Suite struct KernelCommandLineTests {
    @Test(arguments: [
        ("console=tty1 resize", "console=tty1 resize"),
        ("\u{FEFF}console=tty1  root=x\r\n", "console=tty1 root=x"),
        ("\r\n\n  console=tty1\troot=x init=/usr/lib/a b \n# left over\n", "console=tty1 root=x init=/usr/lib/a b"),
        ("+dwc_otg.lpm_enable=0 dyndbg=\"file a +p\" x", "+dwc_otg.lpm_enable=0 dyndbg=\"file a +p\" x"),
    ])
    func `a file that an editor has spoilt becomes one line again`(before: String, after: String) throws {
        var line = try KernelCommandLine(parsing: Array(before.utf8), path: "cmdline.txt")
        #expect(line.contents == Array((after + "\n").utf8))
        #expect(line.append(["a=1", "a=1"]) == ["a=1"])
        #expect(line.append(["a=1"]) == [])
        #expect(line.contents == Array((after + " a=1\n").utf8))
        line.remove(["a=1", "b=2"])
        #expect(line.contents == Array((after + "\n").utf8))
    }

    @Test func `a boot partition with an empty or no command line is refused`() async throws {
        for files in [["cmdline.txt": ""], ["cmdline.txt": "\u{FEFF}\r\n \n"], ["config.txt": "x"]] {
            await #expect(throws: Failure.self) {
                _ = try await Sample.provision(Sample.bare(), .hypriotCloudInit, boot: Sample.snapshot(files))
            }
        }
    }

    @Test func `the image's own first boot stays, and no token comes twice`() async throws {
        let provision = try await Sample.provision(Sample.full(), .raspberryPiOSCloudInit)
        #expect(
            provision.text("cmdline.txt")
                == "console=serial0,115200 console=tty1 root=PARTUUID=11223344-02 rootwait resize cgroup_enable=cpuset cgroup_enable=memory cgroup_memory=1 cfg80211.ieee80211_regdom=DE\n"
        )
        let hypriot = try await Sample.provision(Sample.full(), .hypriotCloudInit)
        #expect(
            hypriot.text("cmdline.txt")?.hasSuffix("init=/usr/lib/raspi-config/init_resize.sh cgroup_memory=1\n")
                == true)
        #expect(
            try await Sample.provision(Sample.bare(), .raspberryPiOSCloudInit).text("cmdline.txt")?.hasSuffix(
                "resize\n") == true)
    }
}

@Suite struct DockerTests {
    @Test func `daemon-json holds the recipe's keys in their order, the registry and the architecture`() async throws {
        let provision = try await Sample.provision(Sample.full(), .hypriotCloudInit)
        let file = try #require(provision.node("/etc/docker/daemon.json"))
        #expect(
            String(decoding: file.contents, as: UTF8.self) == """
                {
                  "storage-driver": "overlay2",
                  "labels": [
                    "rack=red",
                    "arch=armv7"
                  ],
                  "log-opts": {
                    "max-size": "10m",
                    "max-file": "3"
                  },
                  "registry-mirrors": [
                    "http://192.168.50.2:5000"
                  ],
                  "insecure-registries": [
                    "192.168.50.2:5000"
                  ]
                }

                """)
    }

    @Test func `an architecture that the recipe gives stays, and an unknown one is left out`() async throws {
        func daemon(_ node: Node, _ flavour: OSProfile.Flavour) async throws -> String {
            let file = try #require(try await Sample.provision(node, flavour).node("/etc/docker/daemon.json"))
            return String(decoding: file.contents, as: UTF8.self)
        }
        var node = Sample.full()
        #expect(try await daemon(node, .hypriotCloudInit).contains("arch=armv7"))
        #expect(try await !daemon(node, .ubuntuCloudInit).contains("arch="))
        node.docker.daemon[1].value.value = .array([.string("arch=mine")])
        let given = try await daemon(node, .hypriotCloudInit)
        #expect(given.contains("arch=mine"))
        #expect(!given.contains("armv7"))
    }

    @Test func `manager addresses get the swarm's port`() {
        for (given, expected) in [
            ("10.0.0.1", "10.0.0.1:2377"), ("red00.local:4000", "red00.local:4000"), ("fd00::1", "[fd00::1]:2377"),
            ("[fd00::1]:1", "[fd00::1]:1"), ("[fd00::1]", "[fd00::1]:2377"),
        ] {
            #expect(SwarmAddress.normalized(given) == expected)
        }
    }
}
