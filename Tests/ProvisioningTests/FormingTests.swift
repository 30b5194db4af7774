import Filesystems
import Foundation
import Recipes
import SystemPackage
import Testing
import TestSupport

@testable import Provisioning

/// The first-boot program in a rack that forms its swarm by itself, with stand-ins for ssh, Docker and the clock.
@Suite struct FormingTests {
    typealias Shell = NodeRig.Shell

    /// The state of a manager's token service is in a file `service-ADDRESS` of the rig: "closed", "empty" (no swarm yet),
    /// "wrong" (another host key), or open.
    static func rig(
        _ formation: SwarmFormation, node: String = "red01", flashTime: Int64 = 0, key: Bool = true
    ) throws -> NodeRig {
        var settings = FirstBootSettings.sample(
            node: node, flashTime: flashTime, managers: formation.managers,
            advertise: formation.role == .manager ? "10.0.0.10" : nil)
        settings.orchestration = formation.settings
        let rig = try NodeRig(settings)
        rig.scratch.write(TokenService.program, to: "root\(TokenService.programPath)")
        for edit in formation.rootEdits {
            guard case .file(let contents, _) = edit.action, key || !SwarmFormation.entryKeyPaths.contains(edit.path)
            else { continue }
            rig.scratch.write(contents, to: "root\(edit.path)")
        }
        rig.install("timeout", "shift; exec \"$@\"")
        rig.install(
            "ssh",
            """
            echo "$*" >>"$RIG/ssh.log"
            case "$*" in
            *root@*' '*) rest=${*##*root@} ;;
            esac
            host=${rest%% *} request=${rest#* }
            case $(cat "$RIG/service-$host" 2>/dev/null) in
            old)
                # A card of an older piflash, which knows the shared key only.
                case "$*" in
                *'/shared_key '*) ;;
                *) echo 'root@10.0.0.10: Permission denied (publickey).' >&2; exit 255 ;;
                esac ;;
            closed) echo 'ssh: connect to host: Connection refused' >&2; exit 255 ;;
            wrong) echo 'Host key verification failed.' >&2; exit 255 ;;
            empty) case $request in token) echo 'swarm-door: no swarm here yet' >&2; exit 1 ;; esac ;;
            garbage) echo 'Welcome to Debian!'; exit 0 ;;
            esac
            case $request in
            token) echo \(Sample.token) ;;
            time) cat "$RIG/time" ;;
            joined\\ *)
                [ ! -e "$RIG/unknown" ] || { echo 'swarm-door: no such node in the swarm' >&2; exit 1; }
                [ ! -e "$RIG/unlisted" ] || echo 'swarm-door: red01 is not listed' >&2
                echo joined ;;
            esac
            """)
        rig.scratch.write("1000\n", to: "time")
        rig.install(
            "docker",
            """
            echo "$*" >>"$RIG/docker.log"
            case "$*" in
            *LocalNodeState*) cat "$RIG/swarm-state" ;;
            *NodeID*) echo n1111111111111111111111id ;;
            'swarm init '*)
                [ ! -e "$RIG/no-init" ] || { echo 'Error: could not choose an IP address' >&2; exit 1; }
                echo active >"$RIG/swarm-state"; echo 'docker swarm join --token \(Sample.token)' ;;
            'swarm join '*) echo active >"$RIG/swarm-state" ;;
            'swarm join-token '*) [ "$(cat "$RIG/swarm-state")" = active ] && echo \(Sample.token) ;;
            'node ls -q') echo n1111111111111111111111id ;;
            'node inspect -f {{printf'*) sed 's/^[^ ]*/"&"/' "$RIG/ready" 2>/dev/null ;;
            'node inspect -f {{.ID'*) echo 'n1111111111111111111111id|ready|0.0.0.0|manager|10.0.0.10:2377|reachable|"\(node)"' ;;
            'network inspect '*)
                network=${*##* }
                cat "$RIG/network-$network" 2>/dev/null ;;
            'stack deploy '*)
                stack=${*##* }
                if grep -qx "$stack" "$RIG/bad-stacks" 2>/dev/null; then echo "$stack is bad" >&2; exit 1; fi
                [ -z "${TEXT:-}" ] || printf '%s\\n' "$TEXT" "$root" "$name" >"$RIG/variables"
                [ ! -e "$RIG/no-stack" ] || { echo 'bad stack' >&2; exit 1; } ;;
            esac
            """)
        // The clock moves only when it is set.
        rig.install(
            "date",
            """
            case "$*" in
            '-s @'*) echo "$2" >>"$RIG/clock.log"; echo "${2#@}" >"$RIG/clock" ;;
            +%s) cat "$RIG/clock" ;;
            *) exec /bin/date "$@" ;;
            esac
            """)
        rig.scratch.write("1000\n", to: "clock")
        return rig
    }

    static func log(_ rig: NodeRig, _ prefix: String) -> [String] {
        rig.text("docker.log").split(separator: "\n").map(String.init).filter { $0.hasPrefix(prefix) }
    }

    @Test(arguments: Shell.allCases)
    func `a worker fetches its token, joins, is registered, and deletes its key`(_ shell: Shell) throws {
        let rig = try Self.rig(.sample(labels: ["rack=red", "slot=1"]))
        let result = try rig.run(shell)
        #expect(result.succeeded, "\(result.errors)")
        #expect(rig.status["state"] == "done" && rig.status["last error"] == nil)
        #expect(rig.text("request").contains("\"RemoteAddrs\":[\"10.0.0.10:2377\"],\"JoinToken\":\"\(Sample.token)\""))
        let requests = rig.text("ssh.log").split(separator: "\n").map { String($0.split(separator: "@").last ?? "") }
        #expect(
            requests == ["10.0.0.10 token", "10.0.0.10 joined n1111111111111111111111id rack=red slot=1"])
        let options = rig.text("ssh.log")
        for option in [
            "-p 2378", "StrictHostKeyChecking=yes", "HostKeyAlias=piflash-swarm", "BatchMode=yes", "IdentitiesOnly=yes",
            "GlobalKnownHostsFile=/dev/null", "CheckHostIP=no",
        ] { #expect(options.contains(option)) }
        #expect(!rig.has("root/etc/piflash/swarm/worker_key"))
        for text in [
            rig.text("processes"), rig.text("curl.log"), rig.text("docker.log"), result.errors, options,
            rig.text("root/boot/piflash/status.txt"),
        ] { #expect(!text.contains(Sample.token)) }
        let left = try OutsideTool("grep").run(["-rl", Sample.token, rig.scratch["root"].string])
        #expect(left.text.isEmpty)
        // The next boot has nothing to do.
        #expect(try rig.run(shell).succeeded)
        #expect(rig.text("ssh.log").split(separator: "\n").count == 2)
    }

    @Test(arguments: Shell.allCases, ["closed", "empty", "wrong", "garbage"])
    func `a worker whose managers have nothing for it waits, says why, and keeps its key`(
        _ shell: Shell, service: String
    )
        throws
    {
        let rig = try Self.rig(.sample(managers: ["10.0.0.10:2377", "[fd00::1]:2377"]))
        for address in ["10.0.0.10", "fd00::1"] { rig.scratch.write(service, to: "service-\(address)") }
        #expect(try rig.run(shell).status == 1)
        #expect(rig.status["state"] == "failed")
        // The one that is to form the swarm, not the last one that was asked.
        #expect(rig.status["last error"]?.contains("manager 10.0.0.10:2377") == true, "\(rig.status)")
        #expect(rig.has("root/etc/piflash/swarm/worker_key"))
        #expect(rig.text("ssh.log").split(separator: "\n").count == 6)
        // The second manager is as good as the first.
        rig.scratch.write("open", to: "service-fd00::1")
        #expect(try rig.run(shell).succeeded)
        #expect(rig.status["state"] == "done")
    }

    @Test(arguments: Shell.allCases, ["silent", "closed", "forming"])
    func `a worker says which manager is to form the swarm, by name, and what is the matter with that one`(
        _ shell: Shell, state: String
    ) throws {
        let formation = SwarmFormation.sample(managers: ["10.0.0.10:2377", "10.0.0.11:2377", "10.0.0.12:2377"])
        let rig = try Self.rig(formation)
        rig.scratch.write("10.0.0.10\tred00\n10.0.0.11\tred01\n", to: "root/etc/piflash/hosts")
        // The others have nothing else to say than that there is no swarm.
        for address in ["10.0.0.11", "10.0.0.12"] { rig.scratch.write("empty", to: "service-\(address)") }
        switch state {
        case "silent": rig.scratch.write("10.0.0.10:2377", to: "silent")
        case "closed":
            rig.install(
                "curl", "echo 'curl: (7) Failed to connect to 10.0.0.10 port 2377: Connection refused' >&2; exit 7")
        default: rig.scratch.write("empty", to: "service-10.0.0.10")
        }
        let result = try rig.run(shell)
        #expect(result.status == 1)
        #expect(result.errors.contains("waiting for manager red00 (10.0.0.10:2377) to form the swarm"))
        #expect(!result.errors.contains("waiting for manager 10.0.0.11"))
        let expected = [
            "silent": "manager 10.0.0.10:2377 does not answer",
            "closed": "manager 10.0.0.10:2377 is not in a swarm yet",
            "forming": "manager 10.0.0.10:2377: swarm-door: no swarm here yet",
        ]
        #expect(rig.status["last error"] == expected[state])
    }

    @Test(arguments: Shell.allCases)
    func `the status says by how much a clock was moved, and whose time it is`(_ shell: Shell) throws {
        for (time, moved) in [("64001000", "forward by 740 days"), ("900", "back by 100 seconds")] {
            let rig = try Self.rig(.sample())
            rig.scratch.write("10.0.0.10\tred00\n", to: "root/etc/piflash/hosts")
            rig.scratch.write(time + "\n", to: "time")
            rig.install("timedatectl", "echo 'System clock synchronized: no'")
            #expect(try rig.run(shell).succeeded)
            #expect(
                rig.status["clock"] == "set \(moved), to the time of manager red00 (10.0.0.10:2377)", "\(rig.status)")
        }
    }

    @Test(arguments: Shell.allCases)
    func `a worker's commands have the manager's time`(_ shell: Shell) throws {
        let formation = SwarmFormation.sample()
        let rig = try Self.rig(formation)
        rig.scratch.write("500000\n", to: "time")
        rig.install("timedatectl", "echo 'System clock synchronized: no'")
        var settings = FirstBootSettings.sample(
            managers: formation.managers, commands: ["date +%s >\"$RIG/seen\""])
        settings.orchestration = formation.settings
        rig.configure(settings)
        #expect(try rig.run(shell).succeeded)
        #expect(rig.text("seen") == "500000\n")
    }

    @Test(arguments: Shell.allCases)
    func `a worker that the swarm does not know yet asks again, and keeps its key`(_ shell: Shell) throws {
        let rig = try Self.rig(.sample())
        rig.scratch.write("", to: "unknown")
        #expect(try rig.run(shell).status == 1)
        #expect(rig.status["step"] == "registering this node")
        #expect(rig.status["last error"]?.contains("no such node") == true)
        #expect(rig.has("root/etc/piflash/swarm/worker_key"))
        try FileManager.default.removeItem(atPath: rig.scratch["unknown"].string)
        #expect(try rig.run(shell).succeeded)
        #expect(!rig.has("root/etc/piflash/swarm/worker_key"))
    }

    @Test(arguments: Shell.allCases)
    func `a worker without a key says what to do`(_ shell: Shell) throws {
        let rig = try Self.rig(.sample(), key: false)
        #expect(try rig.run(shell).status == 1)
        #expect(rig.status["last error"] == "the rack's key is not on this card any more; write the card again")
        #expect(!rig.has("ssh.log"))
    }

    @Test(
        arguments: Shell.allCases,
        [
            // The manager's time, whether a time server has set the clock, and what the clock is set to.
            ("5000", false, ["@5000"]), ("5000", true, []), ("1030", false, []), ("1031", false, ["@1031"]),
            ("500", false, ["@500"]), ("970", false, []), ("969", false, ["@969"]), ("500", true, []), ("", false, []),
            ("x", false, []), ("99999999999999", false, []),
        ] as [(String, Bool, [String])])
    func `a clock that no time server has set follows the manager's, forwards and back`(
        _ shell: Shell, clock: (time: String, synchronised: Bool, set: [String])
    ) throws {
        let rig = try Self.rig(.sample())
        rig.scratch.write(clock.time + "\n", to: "time")
        if !clock.synchronised { rig.install("timedatectl", "echo 'System clock synchronized: no'") }
        // Without the time it does not join.
        let isTold = Int(clock.time).map { $0 < 100_000_000_000 } ?? false
        #expect(try rig.run(shell).succeeded == isTold || clock.synchronised)
        #expect(rig.has("request") == isTold || clock.synchronised)
        if !isTold {
            #expect(rig.status["last error"]?.hasPrefix("manager 10.0.0.10:2377 does not tell the time") == true)
        }
        #expect(rig.text("clock.log").split(separator: "\n").map(String.init) == clock.set)
    }

    @Test(arguments: Shell.allCases)
    func `a clock that was moved is saved where the next boot reads it`(_ shell: Shell) throws {
        for (time, saved) in [("500", true), ("1000", false)] {
            let rig = try Self.rig(.sample())
            rig.scratch.write(time + "\n", to: "time")
            rig.install("timedatectl", "echo 'System clock synchronized: no'")
            for program in ["fake-hwclock", "hwclock"] {
                rig.install(program, "echo \(program) $* >>\"$RIG/saved.log\"")
            }
            rig.scratch.write("", to: "root/dev/rtc0")
            let files = ["timesync/clock", "clock"].map {
                rig.scratch.write("", to: "root/var/lib/systemd/\($0)").string
            }
            for file in files {
                try FileManager.default.setAttributes(
                    [.modificationDate: Date(timeIntervalSince1970: 0)], ofItemAtPath: file)
            }
            #expect(try rig.run(shell).succeeded)
            for file in files {
                let modified = try FileManager.default.attributesOfItem(atPath: file)[.modificationDate] as? Date
                #expect((modified == Date(timeIntervalSince1970: 0)) == !saved, "\(file)")
            }
            #expect(rig.text("saved.log") == (saved ? "fake-hwclock save force\nhwclock --systohc\n" : ""))
        }
    }

    @Test(arguments: Shell.allCases)
    func `a clock from before the card was written is set to that time`(_ shell: Shell) throws {
        let rig = try Self.rig(.sample(), flashTime: 2000)
        rig.install("timedatectl", "exit 1")
        rig.scratch.write("1999\n", to: "time")
        #expect(try rig.run(shell).succeeded)
        #expect(rig.text("clock.log") == "@2000\n")
        #expect(rig.status["last error"] == nil)
    }

    static let first = SwarmFormation.sample(
        role: .manager, isFirst: true, managers: [], labels: ["rack=red"], availability: [.manager: .drain],
        nodes: ["red00", "red01"],
        stacks: [.init(name: "web", contents: Array("services: {}\n".utf8))])

    @Test(arguments: Shell.allCases)
    func `the first manager makes the swarm, sets itself up, waits for the rack and deploys`(_ shell: Shell) throws {
        let rig = try Self.rig(Self.first, node: "red00")
        rig.scratch.write("red00 ready\nred01 ready\n", to: "ready")
        let result = try rig.run(shell)
        #expect(result.succeeded, "\(result.errors)")
        #expect(Self.log(rig, "swarm init") == ["swarm init --cert-expiry 8760h --advertise-addr 10.0.0.10"])
        #expect(
            Self.log(rig, "node update") == [
                "node update --availability drain --label-add rack=red n1111111111111111111111id"
            ])
        let deploy = "stack deploy --compose-file \(rig.scratch["root/etc/piflash/stacks/web.yml"]) web"
        #expect(Self.log(rig, "stack") == [deploy])
        #expect(!rig.has("ssh.log"))
        #expect(!result.errors.contains("SWMTKN"))
        // A changed stack is deployed again; nothing is formed again.
        var changed = Self.first
        changed = .sample(
            role: .manager, isFirst: true, managers: [], nodes: changed.nodes,
            stacks: [.init(name: "web", contents: Array("services: { }\n".utf8))])
        var settings = FirstBootSettings.sample(node: "red00", managers: [], advertise: "10.0.0.10")
        settings.orchestration = changed.settings
        rig.configure(settings)
        for _ in 1...2 { #expect(try rig.run(shell).succeeded) }
        #expect(Self.log(rig, "stack") == [deploy, deploy])
        #expect(Self.log(rig, "swarm init").count == 1)
    }

    @Test(arguments: Shell.allCases)
    func `the first certificates are replaced by ones that last as long as the recipe says`(_ shell: Shell) throws {
        for (isSynchronised, hours) in [(true, 8760), (false, 8760), (true, 48)] {
            let formation = SwarmFormation.sample(
                role: .manager, isFirst: true, managers: [], nodes: ["red00"], certificateHours: hours)
            let rig = try Self.rig(formation, node: "red00")
            rig.scratch.write("red00 ready\n", to: "ready")
            if !isSynchronised { rig.install("timedatectl", "echo 'System clock synchronized: no'") }
            #expect(try rig.run(shell).succeeded)
            #expect(Self.log(rig, "swarm init")[0].hasPrefix("swarm init --cert-expiry \(hours)h"))
            #expect(Self.log(rig, "swarm ca") == ["swarm ca --rotate --quiet --cert-expiry=\(hours)h"])
        }
    }

    @Test(arguments: Shell.allCases)
    func `another lifetime changes a swarm that is there, and its root certificate stays`(_ shell: Shell) throws {
        func formation(_ hours: Int) -> SwarmFormation {
            .sample(role: .manager, isFirst: true, managers: [], nodes: ["red00"], certificateHours: hours)
        }
        let rig = try Self.rig(formation(8760), node: "red00")
        rig.scratch.write("red00 ready\n", to: "ready")
        #expect(try rig.run(shell).succeeded)
        var settings = FirstBootSettings.sample(node: "red00", managers: [], advertise: "10.0.0.10")
        settings.orchestration = formation(9000).settings
        rig.configure(settings)
        #expect(try rig.run(shell).succeeded)
        #expect(Self.log(rig, "swarm ca").count == 1)
        #expect(Self.log(rig, "swarm update") == ["swarm update --cert-expiry=9000h"])
    }

    @Test(arguments: Shell.allCases)
    func `missing nodes are reported, and the stacks are deployed all the same`(_ shell: Shell) throws {
        let rig = try Self.rig(Self.first, node: "red00")
        rig.scratch.write("red00 ready\nred01 down\nred011 ready\n", to: "ready")
        let result = try rig.run(shell)
        #expect(result.succeeded)
        #expect(result.errors.contains("waiting for the rack, waiting for red01\n"))
        #expect(rig.status["last error"] == "not in the swarm yet: red01")
        #expect(Self.log(rig, "stack").count == 1)
    }

    @Test(arguments: Shell.allCases)
    func `a stack that Docker refuses is said, and tried again at the next boot`(_ shell: Shell) throws {
        let rig = try Self.rig(Self.first, node: "red00")
        rig.scratch.write("red00 ready\nred01 ready\n", to: "ready")
        rig.scratch.write("", to: "no-stack")
        #expect(try rig.run(shell).status == 1)
        #expect(rig.status["last error"] == "stack web: bad stack")
        try FileManager.default.removeItem(atPath: rig.scratch["no-stack"].string)
        #expect(try rig.run(shell).succeeded)
        #expect(rig.status["state"] == "done")
    }

    @Test(arguments: Shell.allCases)
    func `a first manager that Docker does not let form a swarm says why`(_ shell: Shell) throws {
        let rig = try Self.rig(Self.first, node: "red00")
        rig.scratch.write("", to: "no-init")
        #expect(try rig.run(shell).status == 1)
        #expect(rig.status["last error"] == "Error: could not choose an IP address")
    }

    static let firstOfThree = SwarmFormation.sample(
        role: .manager, isFirst: true, managers: ["10.0.0.11:2377", "10.0.0.12:2377"], nodes: ["red00"])

    @Test(
        arguments: Shell.allCases,
        [
            // The states of the other managers' token services, and whether a swarm is initialized.
            (["empty", "empty"], true), (["empty", "closed"], true), (["closed", "closed"], true),
            (["open", "closed"], false), (["closed", "open"], false), (["empty", "open"], false),
        ] as [([String], Bool)])
    func `the first of three managers makes a swarm only when no other has one`(
        _ shell: Shell, services: (states: [String], isMade: Bool)
    ) throws {
        let rig = try Self.rig(Self.firstOfThree, node: "red00")
        rig.scratch.write("red00 ready\n", to: "ready")
        for (address, state) in zip(["10.0.0.11", "10.0.0.12"], services.states) {
            rig.scratch.write(state, to: "service-\(address)")
            if state == "closed" {
                rig.scratch.write(rig.text("silent") + "\(address):2377\n", to: "silent")
            }
        }
        let result = try rig.run(shell)
        #expect(result.succeeded, "\(result.errors)")
        #expect(Self.log(rig, "swarm init").count == (services.isMade ? 1 : 0))
        #expect(rig.has("request") != services.isMade)
        #expect(!rig.has("root/etc/piflash/swarm/manager_key"))
        #expect(rig.has("root/etc/piflash/swarm/host_key"))
    }

    /// A token service is closed while no node is missing.
    @Test(arguments: Shell.allCases)
    func `the first of three managers makes no second swarm while another manager is in one`(_ shell: Shell) throws {
        let rig = try Self.rig(Self.firstOfThree, node: "red00")
        rig.scratch.write("red00 ready\n", to: "ready")
        for address in ["10.0.0.11", "10.0.0.12"] { rig.scratch.write("closed", to: "service-\(address)") }
        // The first one is off, the second one listens on the swarm's port.
        rig.scratch.write("10.0.0.11:2377", to: "silent")
        #expect(try rig.run(shell).status == 1)
        #expect(Self.log(rig, "swarm init").isEmpty)
        #expect(
            rig.status["last error"]?.hasPrefix("manager 10.0.0.12:2377 is in a swarm, and gives no token: ") == true,
            "\(rig.status)")
        // It has missed this node, and opened.
        rig.scratch.write("open", to: "service-10.0.0.12")
        rig.scratch.write("10.0.0.11:2377", to: "silent")
        #expect(try rig.run(shell).succeeded)
        #expect(Self.log(rig, "swarm init").isEmpty && rig.has("request"))
    }

    @Test(arguments: Shell.allCases)
    func `a node asks with its own key, and with the rack's shared one where a manager knows no other`(
        _ shell: Shell
    ) throws {
        let rig = try Self.rig(.sample(keys: .ofOldRack))
        rig.scratch.write("old", to: "service-10.0.0.10")
        let result = try rig.run(shell)
        #expect(result.succeeded, "\(result.errors)")
        #expect(rig.status["state"] == "done")
        let keys = rig.text("ssh.log").matches(of: #/swarm/([a-z]+)_key /#).map { String($0.1) }
        #expect(keys == ["worker", "shared", "worker", "shared"])
        for key in ["worker_key", "shared_key"] { #expect(!rig.has("root/etc/piflash/swarm/\(key)")) }
        // A rack of today has none.
        let today = try Self.rig(.sample())
        #expect(!today.has("root/etc/piflash/swarm/shared_key"))
        today.scratch.write("old", to: "service-10.0.0.10")
        #expect(try today.run(shell).status == 1)
        #expect(today.status["last error"]?.contains("Permission denied") == true)
    }

    /// Its first manager makes a new root certificate a moment after it has formed the swarm.
    @Test(arguments: Shell.allCases)
    func `a token that is no longer valid is fetched again, without asking a person`(_ shell: Shell) throws {
        let rig = try Self.rig(.sample())
        rig.scratch.write("1", to: "manager-down")
        rig.scratch.write("remote CA does not match fingerprint. Expected: 2999d801", to: "reason")
        rig.install("sleep", "echo \"$1\" >>\"$RIG/pauses\"")
        let result = try rig.run(shell)
        #expect(result.succeeded, "\(result.errors)")
        #expect(!result.errors.contains("piflash configure"))
        #expect(rig.text("ssh.log").split(separator: "\n").count { $0.hasSuffix(" token") } == 2)
    }

    @Test(arguments: Shell.allCases)
    func `a node reports what its manager could not do`(_ shell: Shell) throws {
        let rig = try Self.rig(.sample())
        rig.scratch.write("", to: "unlisted")
        #expect(try rig.run(shell).succeeded)
        #expect(rig.status["state"] == "done")
        #expect(rig.status["last error"] == "manager 10.0.0.10:2377: red01 is not listed")
    }

    @Test(arguments: Shell.allCases)
    func `the first of three managers makes no second swarm when its key is gone`(_ shell: Shell) throws {
        let rig = try Self.rig(Self.firstOfThree, node: "red00", key: false)
        #expect(try rig.run(shell).status == 1)
        #expect(Self.log(rig, "swarm init").isEmpty)
        #expect(rig.status["last error"]?.contains("write the card again") == true)
    }
}
