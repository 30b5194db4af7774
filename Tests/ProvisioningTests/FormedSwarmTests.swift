import Foundation
import Recipes
import Stacks
import SystemPackage
import Testing
import TestSupport

@testable import Provisioning

/// What the first manager makes in the swarm that it has formed, and what its kernel needs for that.
@Suite struct FormedSwarmTests {
    typealias Shell = NodeRig.Shell

    @Test(arguments: Shell.allCases)
    func `the swarm gets its pools, and its networks before its stacks`(_ shell: Shell) throws {
        let formation = SwarmFormation.sample(
            role: .manager, isFirst: true, managers: [], nodes: ["red00"],
            addressPool: ["172.30.0.0/16", "10.201.0.0/16"],
            networks: [
                .init(name: Sample.at("proxy"), isAttachable: true),
                .init(
                    name: Sample.at("back"), isEncrypted: true, isInternal: true, subnet: Sample.at("172.30.9.0/24")),
            ], stacks: [.init(name: "web", contents: Array("services: {}\n".utf8))])
        let rig = try FormingTests.rig(formation, node: "red00")
        rig.scratch.write("red00 ready\n", to: "ready")
        let result = try rig.run(shell)
        #expect(result.succeeded, "\(result.errors)")
        #expect(
            FormingTests.log(rig, "swarm init") == [
                "swarm init --cert-expiry 8760h --advertise-addr 10.0.0.10 --default-addr-pool 172.30.0.0/16 "
                    + "--default-addr-pool 10.201.0.0/16 --default-addr-pool-mask-length 24"
            ])
        let made = [
            "network create --driver overlay --attachable proxy",
            "network create --driver overlay --internal --opt=encrypted --subnet=172.30.9.0/24 back",
        ]
        #expect(FormingTests.log(rig, "network create") == made)
        let lines = rig.text("docker.log").split(separator: "\n").map(String.init)
        let last = try #require(lines.lastIndex(of: made[1])),
            first = try #require(lines.firstIndex { $0.hasPrefix("stack") })
        #expect(last < first)
    }

    @Test(arguments: Shell.allCases)
    func `networks that are there stay, and one outside the swarm is reported`(_ shell: Shell) throws {
        let formation = SwarmFormation.sample(
            role: .manager, isFirst: true, managers: [], nodes: ["red00"],
            networks: [.init(name: Sample.at("proxy")), .init(name: Sample.at("mine"))])
        let rig = try FormingTests.rig(formation, node: "red00")
        rig.scratch.write("red00 ready\n", to: "ready")
        rig.scratch.write("swarm", to: "network-proxy")
        rig.scratch.write("local", to: "network-mine")
        #expect(try rig.run(shell).status == 1)
        #expect(FormingTests.log(rig, "network create").isEmpty)
        #expect(rig.status["last error"] == "network mine: this node has one of this name outside the swarm")
    }

    @Test(arguments: Shell.allCases)
    func `a stack that fails does not stop the next, and is tried again at the next boot`(_ shell: Shell) throws {
        let stacks = ["one", "two", "three"].map { Material.Stack(name: $0, contents: Array("services: {}\n".utf8)) }
        let formation = SwarmFormation.sample(
            role: .manager, isFirst: true, managers: [], nodes: ["red00"], stacks: stacks)
        let rig = try FormingTests.rig(formation, node: "red00")
        rig.scratch.write("red00 ready\n", to: "ready")
        rig.scratch.write("one\ntwo\n", to: "bad-stacks")
        #expect(try rig.run(shell).status == 1)
        #expect(rig.status["state"] == "failed")
        #expect(rig.status["last error"] == "stack one: one is bad; stack two: two is bad")
        #expect(FormingTests.log(rig, "stack deploy").count { $0.hasSuffix(" three") } == 1)
        rig.scratch.write("two\n", to: "bad-stacks")
        #expect(try rig.run(shell).status == 1)
        #expect(rig.status["last error"] == "stack two: two is bad")
        rig.scratch.write("", to: "bad-stacks")
        #expect(try rig.run(shell).succeeded)
        #expect(rig.status["state"] == "done" && rig.status["last error"] == nil)
        #expect(FormingTests.log(rig, "stack deploy").count { $0.hasSuffix(" three") } == 1)
    }

    @Test(arguments: Shell.allCases)
    func `a stack has its files beside it and its variables, and the secret ones go once it is deployed`(
        _ shell: Shell
    ) throws {
        let value = "it's $HOME \"and\" `more`\nlines"
        let stack = Material.Stack(
            name: "web", contents: Array("services: {}\n".utf8),
            files: [
                .init(path: "a.conf", contents: Array("conf".utf8), isSecret: false),
                .init(path: "sub/a key", contents: Array("key".utf8), isSecret: true),
            ],
            environment: [
                .init(name: "TEXT", value: value), .init(name: "root", value: "x"), .init(name: "name", value: "y"),
            ])
        let formation = SwarmFormation.sample(
            role: .manager, isFirst: true, managers: [], nodes: ["red00"], stacks: [stack])
        let rig = try FormingTests.rig(formation, node: "red00")
        rig.scratch.write("red00 ready\n", to: "ready")
        rig.scratch.write("web\n", to: "bad-stacks")
        #expect(try rig.run(shell).status == 1)
        // They stay until then.
        #expect(rig.has("root/etc/piflash/stack.d/web/sub/a key") && rig.has("root/etc/piflash/stack.d/web.env"))
        rig.scratch.write("", to: "bad-stacks")
        let result = try rig.run(shell)
        #expect(result.succeeded, "\(result.errors)")
        let compose = rig.scratch["root/etc/piflash/stack.d/web/.piflash-stack.yml"].string
        #expect(FormingTests.log(rig, "stack deploy").last == "stack deploy --compose-file \(compose) web")
        #expect(rig.text("variables") == value + "\nx\ny\n")
        #expect(!rig.has("root/etc/piflash/stack.d/web/sub/a key") && !rig.has("root/etc/piflash/stack.d/web.env"))
        #expect(rig.text("root/etc/piflash/stack.d/web/a.conf") == "conf")
        #expect(rig.has(String(compose.dropFirst(rig.scratch.path.string.count + 1))))
    }

    @Test(arguments: Shell.allCases)
    func `secrets that a power cut has left behind go at the next boot`(_ shell: Shell) throws {
        let stack = Material.Stack(
            name: "web", contents: Array("services: {}\n".utf8),
            files: [.init(path: "key", contents: Array("key".utf8), isSecret: true)])
        let formation = SwarmFormation.sample(
            role: .manager, isFirst: true, managers: [], nodes: ["red00"], stacks: [stack])
        let rig = try FormingTests.rig(formation, node: "red00")
        rig.scratch.write("red00 ready\n", to: "ready")
        // The digest is the card's own.
        let settings = rig.text("root/etc/piflash/settings")
        let digest = try #require(settings.firstMatch(of: /STACKS='([^']*)'/)).1
        rig.scratch.write("\(digest)\n", to: "root/var/lib/piflash/done/stack-web")
        #expect(try rig.run(shell).succeeded)
        #expect(FormingTests.log(rig, "stack deploy").isEmpty)
        #expect(!rig.has("root/etc/piflash/stack.d/web/key"))
    }

    @Test(arguments: Shell.allCases)
    func `commands after the swarm wait for every node, run once, and their failures are reported`(
        _ shell: Shell
    ) throws {
        let rig = try FormingTests.rig(FormingTests.first, node: "red00")
        var settings = FirstBootSettings.sample(node: "red00", managers: [], advertise: "10.0.0.10")
        settings.orchestration = FormingTests.first.settings
        settings.swarmCommands = ["echo one >>\"$RIG/ran\"", "echo two >>\"$RIG/ran\"; exit 3"]
        rig.configure(settings)
        rig.scratch.write("red00 ready\n", to: "ready")
        #expect(try rig.run(shell).status == 1)
        #expect(rig.status["last error"] == "not in the swarm yet: red01")
        #expect(!rig.has("ran"))
        // The stacks do not wait for ever.
        #expect(FormingTests.log(rig, "stack deploy").count == 1)
        rig.scratch.write("red00 ready\nred01 ready\n", to: "ready")
        let result = try rig.run(shell)
        #expect(result.succeeded, "\(result.errors)")
        #expect(rig.text("ran") == "one\ntwo\n")
        #expect(rig.status["last error"] == "first_boot.after_swarm: command 0002 ended with status 3")
        for _ in 1...2 { #expect(try rig.run(shell).succeeded) }
        #expect(rig.text("ran") == "one\ntwo\n")
    }

    @Test(arguments: Shell.allCases)
    func `a kernel without what the swarm's networks need is reported`(_ shell: Shell) throws {
        let release = try OutsideTool("uname").run(["-r"]).text.trimmingCharacters(in: .newlines)
        let rig = try FormingTests.rig(.sample())
        rig.scratch.write("", to: "root/lib/modules/\(release)/modules.builtin")
        rig.scratch.write("", to: "root/sys/module/ip_vs/refcnt")
        rig.install("modprobe", "echo $2 >>\"$RIG/modprobe.log\"; case $2 in vxlan | ip_vs) exit 1 ;; esac")
        #expect(try rig.run(shell).succeeded)
        #expect(rig.status["state"] == "done")
        #expect(
            rig.status["last error"] == "the kernel has no vxlan, so the swarm's networks do not work on this node")
        #expect(
            Set(rig.text("modprobe.log").split(separator: "\n")) == [
                "overlay", "veth", "bridge", "br_netfilter", "nf_nat", "vxlan", "ip_vs",
            ])
    }

    @Test(arguments: Shell.allCases)
    func `the package with the kernel's modules is installed where the image lacks them`(_ shell: Shell) throws {
        let release = try OutsideTool("uname").run(["-r"]).text.trimmingCharacters(in: .newlines)
        for brings in [true, false] {
            let formation = SwarmFormation.sample()
            let rig = try FormingTests.rig(formation)
            var settings = FirstBootSettings.sample(managers: formation.managers)
            settings.orchestration = formation.settings
            settings.kernelPackage = "linux-modules-extra-raspi"
            rig.configure(settings)
            rig.scratch.write("", to: "root/lib/modules/\(release)/modules.builtin")
            rig.install("modprobe", "[ \"$2\" != vxlan ] || [ -e \"$RIG/has-vxlan\" ]")
            rig.install("dpkg", "exit 0")
            rig.install(
                "apt-get",
                "echo \"$*\" >>\"$RIG/apt.log\"; case \"$*\" in *install*) "
                    + (brings ? ": >\"$RIG/has-vxlan\"" : "echo 'E: no network' >&2; exit 100") + " ;; esac")
            #expect(try rig.run(shell).succeeded)
            #expect(rig.text("apt.log").contains("install linux-modules-extra-raspi"))
            #expect(rig.status["last error"]?.contains("E: no network") == (brings ? nil : true), "\(rig.status)")
            #expect(rig.status["last error"]?.contains("the kernel has no vxlan") == (brings ? nil : true))
        }
    }
}
