import Filesystems
import Foundation
import Recipes
import SystemPackage
import Testing
import TestSupport

@testable import Provisioning

/// The token service's program with a stand-in for Docker: a swarm of a manager and two workers.
@Suite struct TokenServiceTests {
    typealias Shell = NodeRig.Shell

    static let manager = "m0000000000000000000000id"
    static let worker = "w1111111111111111111111id"
    static let other = "w2222222222222222222222id"
    static let workerToken = Sample.token
    static let managerToken = Sample.token.dropLast() + "m"

    static let members = """
        \(manager)|red00|ready|0.0.0.0|manager|10.0.0.10:2377|reachable
        \(worker)|red01|ready|10.0.0.11|worker||
        \(other)|red02|ready|10.0.0.12|worker||

        """

    static func rig(members: String = members, settings: FirstBootSettings? = nil) throws -> NodeRig {
        let rig = try NodeRig(settings ?? .sample(node: "red00"))
        rig.scratch.write(TokenService.program, to: "root\(TokenService.programPath)")
        rig.scratch.write(members, to: "members")
        rig.scratch.write(
            """
            red00 manager
            red01 worker rack=red disk=ssd a.b/c=x:1+2@3_4-5
            red02 worker zone=secret

            """, to: "root/etc/piflash/swarm/members")
        rig.scratch.write("10.0.0.11\tred01\n10.0.0.12\tred02\n", to: "root/etc/piflash/hosts")
        rig.install("timeout", "shift; exec \"$@\"")
        rig.install(
            "docker",
            """
            echo "$*" >>"$RIG/docker.log"
            [ ! -e "$RIG/docker-down" ] || exit 1
            case "$*" in
            'swarm join-token -q worker') echo \(workerToken) ;;
            'swarm join-token -q manager') echo \(managerToken) ;;
            'node ls -q') cut -d'|' -f1 "$RIG/members" ;;
            'node inspect '*)
                # As the format asks for it: the name last, in quotes.
                awk -F'|' '{ print $1 "|" $3 "|" $4 "|" $5 "|" $6 "|" $7 "|\\"" $2 "\\"" }' "$RIG/members" ;;
            'node demote '*) sed -i "/^$3/s/|manager|.*/|worker||/" "$RIG/members" ;;
            'node rm --force '*) sed -i "/^$4/d" "$RIG/members" ;;
            esac
            """)
        return rig
    }

    /// - Parameter name: Whose key it is; "" for a shared one, nil for the node that the role suggests.
    private static func ask(
        _ rig: NodeRig, _ shell: Shell, _ request: String, role: String = "worker", as name: String? = nil,
        from address: String = "10.0.0.11"
    ) throws -> OutsideTool.Result {
        let caller = name ?? ["worker": "red01", "manager": "red00"][role] ?? ""
        return try OutsideTool("env").run(
            [
                "PATH=\(rig.path)", "SSH_CONNECTION=\(address) 40000 10.0.0.10 2378",
                "SSH_ORIGINAL_COMMAND=\(request)",
            ]
                + shell.command + [rig.scratch["root\(TokenService.programPath)"].string, role]
                + (caller.isEmpty ? [] : [caller]),
            environment: rig.environment)
    }

    private static func commands(_ rig: NodeRig) -> [String] {
        rig.text("docker.log").split(separator: "\n").map(String.init).filter {
            !$0.hasPrefix("node ls") && !$0.hasPrefix("node inspect")
        }
    }

    @Test func `shellcheck and both shells accept the program`() throws {
        let scratch = ScratchDirectory()
        let path = scratch.write(TokenService.program, to: "swarm-door").string
        let check = try OutsideTool("shellcheck").run(["-s", "sh", path])
        #expect(check.succeeded, "\(check.text)")
        #expect(try OutsideTool("dash").run(["-n", path]).succeeded)
        #expect(try OutsideTool("busybox").run(["sh", "-n", path]).succeeded)
    }

    @Test(arguments: Shell.allCases)
    func `each key gets the token of its role and nothing else`(_ shell: Shell) throws {
        let rig = try Self.rig()
        #expect(try Self.ask(rig, shell, "token").text == Self.workerToken + "\n")
        #expect(try Self.ask(rig, shell, "token", role: "manager").text == Self.managerToken + "\n")
        for role in ["self", "serf", ""] {
            let result = try Self.ask(rig, shell, "token", role: role)
            #expect(result.status == 1 && result.text.isEmpty)
        }
        rig.scratch.write("", to: "docker-down")
        let none = try Self.ask(rig, shell, "token")
        #expect(none.status == 1 && none.text.isEmpty && none.errors == "swarm-door: no swarm here yet\n")
    }

    @Test(arguments: Shell.allCases)
    func `the time is given once it is known`(_ shell: Shell) throws {
        let rig = try Self.rig()
        func isTold() throws -> Bool {
            abs((Double(try Self.ask(rig, shell, "time").text.dropLast()) ?? 0) - Date().timeIntervalSince1970) < 5
        }
        #expect(try Self.ask(rig, shell, "time").errors == "swarm-door: the clock is not set yet\n")
        // The first-boot program has waited for a time server.
        rig.scratch.write("", to: "root/run/piflash/clock-is-settled")
        #expect(try isTold())
        // At a later boot it has finished.
        try FileManager.default.removeItem(atPath: rig.scratch["root/run/piflash/clock-is-settled"].string)
        rig.scratch.write("1234\n", to: "root/var/lib/piflash/finished")
        #expect(try isTold())
    }

    static let nasty = [
        "", " ", "sh", "token token", "token;id", "token; id", "token\nid", "token\rid", "$(touch $RIG/pwned)",
        "token $(touch $RIG/pwned)", "`touch $RIG/pwned`", "token|sh", "token&", "token >x", "token*", "to?en", "~",
        "time 1", "-h", "--help", "tökén", "joined", "joined ", "joined x", "joined \(worker)x", "joined -- \(worker)",
        "joined --label-add a=b", "joined \(worker) a", "joined \(worker) =b", "joined \(worker) a=",
        "joined \(worker) -a=b", "joined \(worker) --label-rm=x", "joined \(worker) a=b;c", "joined \(worker) a=b\nc=d",
        "joined \(worker) a=$(id)", "joined \(worker) .a=b", "joined \(worker) a/=b", "joined \(worker) a=b=c",
        "joined \(worker) a=*", "joined \(worker) \(String(repeating: "k", count: 129))=v",
        "joined \(worker) k=\(String(repeating: "v", count: 129))",
        "joined \(worker) " + (1...33).map { "k\($0)=v" }.joined(separator: " "),
        "token " + String(repeating: "x", count: 100_000), "/bin/sh", "scp -t /etc", "internal-sftp",
        "docker swarm join-token manager", "joined \(worker.uppercased())", "joined /etc/passwd", "serve",
    ]

    @Test(arguments: Shell.allCases, nasty)
    func `what is not in the grammar is refused with one line`(_ shell: Shell, request: String) throws {
        let rig = try Self.rig()
        let result = try Self.ask(rig, shell, request)
        #expect(result.status == 1)
        #expect(result.text.isEmpty)
        #expect(
            result.errors.hasPrefix("swarm-door: ") && result.errors.split(separator: "\n").count == 1,
            "\(result.errors)")
        #expect(Self.commands(rig).isEmpty)
        #expect(!rig.has("pwned"))
    }

    @Test(arguments: Shell.allCases)
    func `a node's labels and its role's availability are set`(_ shell: Shell) throws {
        var settings = FirstBootSettings.sample(node: "red00")
        settings.orchestration = SwarmFormation.sample(availability: [.manager: .drain, .worker: .pause]).settings
        let rig = try Self.rig(settings: settings)
        let result = try Self.ask(rig, shell, "joined \(Self.worker) rack=blue zone=secret")
        #expect(result.text == "joined\n", "\(result.errors)")
        #expect(
            Self.commands(rig) == [
                "node update --availability pause --label-add rack=red --label-add disk=ssd --label-add a.b/c=x:1+2@3_4-5 \(Self.worker)"
            ])
        #expect(try Self.ask(rig, shell, "joined \(Self.manager)", role: "manager", from: "10.0.0.10").succeeded)
        #expect(Self.commands(rig).last == "node update --availability drain \(Self.manager)")
        #expect(try Self.ask(rig, shell, "joined \(Self.manager) x=y", role: "self", from: "").succeeded)
    }

    /// What the card of a thief could ask for.
    @Test(arguments: Shell.allCases)
    func `a node gets its own labels, whatever it asks for and whatever it calls itself`(_ shell: Shell) throws {
        let stranger = "w3333333333333333333333id"
        let labels = "--label-add rack=red --label-add disk=ssd --label-add a.b/c=x:1+2@3_4-5"
        for name in ["red01", "red02", "red00", "x"] {
            let rig = try Self.rig(members: Self.members + "\(stranger)|\(name)|ready|10.0.0.66|worker||\n")
            let result = try Self.ask(rig, shell, "joined \(stranger) zone=secret", from: "10.0.0.66")
            #expect(result.text == "joined\n", "\(result.errors)")
            #expect(Self.commands(rig).first == "node update --availability active \(labels) \(stranger)")
        }
    }

    @Test(arguments: Shell.allCases)
    func `no key removes the entry of another node, whatever its holder calls itself`(_ shell: Shell) throws {
        let stranger = "w3333333333333333333333id"
        let members =
            Self.members.replacing("red02|ready|10.0.0.12", with: "red02|down|10.0.0.12")
            + "\(stranger)|red02|ready|10.0.0.66|worker||\n"
        for (name, role) in [("red01", "worker"), ("", "worker"), ("red00", "manager"), ("", "manager")] {
            let rig = try Self.rig(members: members)
            let result = try Self.ask(rig, shell, "joined \(stranger) a=b", role: role, as: name, from: "10.0.0.66")
            #expect(result.text == "joined\n", "\(result.errors)")
            #expect(!Self.commands(rig).contains { $0.hasPrefix("node rm") || $0.hasPrefix("node demote") }, "\(name)")
            #expect(!Self.commands(rig).contains { $0.contains("zone=secret") || $0.contains("a=b") })
        }
        // Its own key does.
        let rig = try Self.rig(members: members)
        #expect(try Self.ask(rig, shell, "joined \(stranger)", as: "red02", from: "10.0.0.66").succeeded)
        #expect(Self.commands(rig).last == "node rm --force \(Self.other)")
    }

    @Test(arguments: Shell.allCases)
    func `a shared key proves a node by the address that the rack gives it`(_ shell: Shell) throws {
        let old = "o1000000000000000000000id"
        let members = Self.members + "\(old)|red01|down|10.0.0.11|worker||\n"
        let rig = try Self.rig(members: members)
        let known = try Self.ask(rig, shell, "joined \(Self.worker) zone=secret", as: "")
        #expect(known.text == "joined\n" && known.errors.isEmpty, "\(known.errors)")
        #expect(Self.commands(rig)[0].contains("--label-add rack=red") && !Self.commands(rig)[0].contains("secret"))
        #expect(Self.commands(rig).dropFirst() == ["node rm --force \(old)"])
        try FileManager.default.removeItem(atPath: rig.scratch["root/etc/piflash/hosts"].string)
        let unknown = try Self.ask(rig, shell, "joined \(Self.worker)", as: "")
        #expect(unknown.text == "joined\n" && unknown.errors.contains("write its card again"))
        #expect(Self.commands(rig).last == "node update --availability active \(Self.worker)")
    }

    @Test(arguments: Shell.allCases)
    func `a node that the managers' cards do not list joins without labels, and is told the next step`(
        _ shell: Shell
    ) throws {
        let rig = try Self.rig()
        let result = try Self.ask(rig, shell, "joined \(Self.worker) a=b", as: "red09")
        #expect(result.text == "joined\n")
        #expect(
            result.errors.contains("does not list red09") && result.errors.contains("configure the managers' cards"))
        #expect(Self.commands(rig) == ["node update --availability active \(Self.worker)"])
    }

    /// A stand-in for sshd that stays, and notes its process.
    private static func installServer(_ rig: NodeRig) throws {
        rig.scratch.write("root:*:1:0:::::\n", to: "root/etc/shadow")
        let sshd = rig.scratch.write(
            "#!/bin/sh\necho $$ >>\"$RIG/servers\"\nexec sleep 600\n", to: "root/usr/sbin/sshd")
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: sshd.string)
    }

    private static func isRunning(_ process: Substring) -> Bool { pid_t(process).map { kill($0, 0) == 0 } ?? false }

    @Test(arguments: Shell.allCases)
    func `the service closes once the rack is complete, and opens when a node is missing`(_ shell: Shell) throws {
        let rig = try Self.rig()
        try Self.installServer(rig)
        // Ready for eleven rounds; then red02 is gone.
        rig.install(
            "docker",
            """
            case "$*" in
            'node ls -q') echo x >>"$RIG/rounds"; cut -d'|' -f1 "$RIG/members" ;;
            'node inspect '*)
                [ "$(wc -l <"$RIG/rounds")" -lt 12 ] && state=ready || state=down
                echo '\(Self.manager)|ready|0.0.0.0|manager|10.0.0.10:2377|reachable|"red00"'
                echo '\(Self.worker)|ready|10.0.0.11|worker|||"red01"'
                echo "\(Self.other)|$state|10.0.0.12|worker|||\\"red02\\"" ;;
            esac
            """)
        rig.install("sleep", "case $1 in 0) exec /bin/sleep 0.05 ;; 600) exec /bin/sleep 30 ;; esac")
        let result = try OutsideTool("env").run(
            ["PATH=\(rig.path)"] + shell.command + [rig.scratch["root\(TokenService.programPath)"].string, "serve"],
            environment: rig.environment.merging(["PIFLASH_ROUNDS": "16"]) { $1 })
        #expect(
            result.errors == """
                swarm-door: closed: every node of the rack is in the swarm
                swarm-door: open: a node of the rack is missing in the swarm

                """, "\(result.errors)")
        let servers = rig.text("servers").split(separator: "\n")
        #expect(servers.count == 2)
        for server in servers { #expect(!Self.isRunning(server)) }
    }

    @Test(arguments: Shell.allCases, ["missing", "silent", "unlisted", "forged"])
    func `the service stays open while a node is missing or the swarm does not answer`(
        _ shell: Shell, why: String
    ) throws {
        let rig = try Self.rig()
        try Self.installServer(rig)
        rig.install("sleep", "case $1 in 0) exec /bin/sleep 0.02 ;; 600) exec /bin/sleep 30 ;; esac")
        switch why {
        case "missing": rig.scratch.write("red03 worker\n", to: "root/etc/piflash/swarm/members")
        case "silent": rig.scratch.write("", to: "docker-down")
        case "unlisted":
            try FileManager.default.removeItem(atPath: rig.scratch["root/etc/piflash/swarm/members"].string)
        // What %q makes of the name: x|ready|"red03"
        default:
            rig.scratch.write("red03 worker\n", to: "root/etc/piflash/swarm/members")
            rig.install(
                "docker",
                #"""
                case "$*" in
                'node ls -q') echo w4444444444444444444444id ;;
                *) printf '%s\n' 'w4444444444444444444444id|down|10.0.0.14|worker|||"x|ready|||\"red03\""' \
                    'w5555555555555555555555id|ready|10.0.0.15|worker|||"x|\"red03\""' ;;
                esac
                """#)
        }
        let result = try OutsideTool("env").run(
            ["PATH=\(rig.path)"] + shell.command + [rig.scratch["root\(TokenService.programPath)"].string, "serve"],
            environment: rig.environment.merging(["PIFLASH_ROUNDS": "14"]) { $1 })
        #expect(result.errors.isEmpty, "\(result.errors)")
        #expect(rig.text("servers").split(separator: "\n").count == 1)
    }

    @Test func `a manager answers the keys of all nodes, each by its name, and no others`() throws {
        let formation = SwarmFormation.sample(role: .manager, isFirst: true, nodes: ["red00", "red01"])
        let files = Dictionary(
            uniqueKeysWithValues: formation.rootEdits.compactMap { edit -> (String, String)? in
                guard case .file(let contents, _) = edit.action else { return nil }
                return (String(edit.path.split(separator: "/").last ?? ""), String(decoding: contents, as: UTF8.self))
            })
        let lines = try #require(files["authorized_keys"]).split(separator: "\n")
        #expect(lines.count == 2)
        for (line, words) in zip(lines, ["manager red00", "worker red01"]) {
            let name = words.split(separator: " ")[1]
            #expect(line.hasPrefix("command=\"/bin/sh \(TokenService.programPath) \(words)\",no-port-forwarding,"))
            #expect(line.hasSuffix(" \(RackKeys.nodes.pair(of: String(name)).publicKey) \(name)"))
        }
        #expect(files["members"] == "red00 manager\nred01 worker\n")
        let shared = TokenService.authorizedKeys(of: formation.members, .ofOldRack).split(separator: "\n")
        #expect(shared.count == 4 && shared[2].contains("swarm-door worker\",") && shared[3].contains(" manager\","))
    }

    @Test func `a node has one key, and another one after each theft`() throws {
        let secret = [UInt8](repeating: 7, count: 32)
        let keys = NodeKeys(secret: secret)
        func key(_ stolen: String) -> String { NodeKeys(secret: secret, stolen: stolen).pair(of: "red01").publicKey }
        #expect(key("# red01 was found\nred02\n\nred011\n") == keys.pair(of: "red01").publicKey)
        #expect(key("red01") == key("red02\n red01 in 2026\r\n"))
        var seen: Set<String> = [keys.pair(of: "red02").publicKey, keys.pair(of: "red01").publicKey]
        for stolen in ["red01", "red01 in 2026\r\n red01 again\n", "red01\nred01\nred01\n"] {
            #expect(seen.insert(key(stolen)).inserted)
        }
        #expect(seen.insert(NodeKeys(secret: [UInt8](repeating: 8, count: 32)).pair(of: "red01").publicKey).inserted)
        let scratch = ScratchDirectory()
        let pair = keys.pair(of: "red01")
        let path = scratch.write(pair.privateKey, to: "key").string
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
        let shown = try OutsideTool("ssh-keygen").run(["-y", "-P", "", "-f", path])
        #expect(shown.text == pair.publicKey + " piflash red01\n", "\(shown.errors)")
        #expect(RackKeys.Pair(privateKey: pair.privateKey) == pair)
    }

    @Test(arguments: Shell.allCases)
    func `a node speaks for itself only`(_ shell: Shell) throws {
        let rig = try Self.rig()
        for (node, address) in [
            (Self.other, "10.0.0.11"), (Self.manager, "10.0.0.11"), (Self.worker, "10.0.0.1"), (Self.worker, ""),
            (Self.worker, "10.0.0.110"), ("x\(Self.worker.dropFirst())", "10.0.0.11"),
        ] {
            for role in ["worker", "manager"] {
                let result = try Self.ask(rig, shell, "joined \(node) a=b", role: role, from: address)
                #expect(result.status == 1 && result.text.isEmpty)
            }
        }
        #expect(Self.commands(rig).isEmpty)
        // Nobody is the node whose address is not known yet.
        let fresh = try Self.rig(members: "\(Self.worker)|red01|ready||worker||\n")
        for address in ["", "none"] {
            #expect(try Self.ask(fresh, shell, "joined \(Self.worker)", from: address).status == 1)
        }
    }

    @Test(arguments: Shell.allCases)
    func `the entry that an earlier card of the node has left is removed, and nothing else`(_ shell: Shell) throws {
        let old = (1...4).map { "o\($0)00000000000000000000000id".prefix(25) }
        let members =
            Self.members + """
                \(old[0])|red01|down|10.0.0.99|worker||
                \(old[1])|red01|ready|10.0.0.11|worker||
                \(old[2])|red01|ready|10.0.0.98|worker||
                \(old[3])|red03|down|10.0.0.11|worker||

                """
        let rig = try Self.rig(members: members)
        #expect(try Self.ask(rig, shell, "joined \(Self.worker)").succeeded)
        #expect(
            Self.commands(rig).dropFirst() == ["node rm --force \(old[0])", "node rm --force \(old[1])"])
    }

    @Test(arguments: Shell.allCases)
    func `a manager's old entry goes when the quorum can spare it and the key is a manager's`(_ shell: Shell) throws {
        let (a, b, old) = ("a1111111111111111111111id", "b1111111111111111111111id", "c1111111111111111111111id")
        func members(_ state: String) -> String {
            """
            \(a)|red00|ready|10.0.0.10|manager|10.0.0.10:2377|reachable
            \(b)|red01|ready|10.0.0.11|manager|10.0.0.11:2377|\(state)
            \(old)|red00|down|10.0.0.10|manager|10.0.0.10:2377|unreachable

            """
        }
        func asked(_ state: String, role: String) throws -> [String] {
            let rig = try Self.rig(members: members(state))
            #expect(try Self.ask(rig, shell, "joined \(a)", role: role, as: "red00", from: "10.0.0.10").succeeded)
            return Array(Self.commands(rig).dropFirst())
        }
        #expect(try asked("reachable", role: "manager") == ["node demote \(old)", "node rm --force \(old)"])
        #expect(try asked("reachable", role: "self") == ["node demote \(old)", "node rm --force \(old)"])
        #expect(try asked("unreachable", role: "manager") == [])
        #expect(try asked("reachable", role: "worker") == [])
    }

    /// What Docker 20.10 lists after a power cut between a node's certificate and its first report: no name, no address,
    /// and of a manager neither an address as manager nor a reachability; "unknown" until the manager starts again.
    @Test(arguments: Shell.allCases)
    func `a nameless entry that an interrupted join has left is removed once it is down`(_ shell: Shell) throws {
        let lost = (1...6).map { String("n\($0)00000000000000000000000id".prefix(25)) }
        let members =
            Self.members + """
                \(lost[0])||down||worker||
                \(lost[1])||unknown||worker||
                \(lost[2])||ready||worker||
                \(lost[3])||down||manager||
                \(lost[4])||unknown||manager||
                \(lost[5])||disconnected||worker||

                """
        func removed(by role: String, _ members: String) throws -> [String] {
            let rig = try Self.rig(members: members)
            let request = role == "worker" ? Self.worker : Self.manager
            let address = role == "worker" ? "10.0.0.11" : "10.0.0.10"
            #expect(try Self.ask(rig, shell, "joined \(request)", role: role, from: address).text == "joined\n")
            return Array(Self.commands(rig).dropFirst())
        }
        // Docker refuses to demote a manager that never joined the others: "can't find manager in raft memberlist".
        #expect(try removed(by: "worker", members) == ["node rm --force \(lost[0])"])
        for role in ["manager", "self"] {
            #expect(
                try removed(by: role, members) == ["node rm --force \(lost[0])", "node rm --force \(lost[3])"])
        }
        // A manager without a name that has a vote: it is not removed if the others are not a majority without it.
        let voting = "\(lost[3])||down|10.0.0.13|manager|10.0.0.13:2377|unreachable\n"
        let demoted = ["node demote \(lost[3])", "node rm --force \(lost[3])"]
        #expect(try removed(by: "worker", Self.members + voting) == [])
        #expect(try removed(by: "manager", Self.members + voting) == demoted)
        let silent = "\(Self.other)|red02|ready|10.0.0.12|manager|10.0.0.12:2377|unreachable\n"
        let minority = Self.members.replacing("\(Self.other)|red02|ready|10.0.0.12|worker||\n", with: silent) + voting
        #expect(try removed(by: "manager", minority) == [])
        // One that never joined the managers does not count among the others.
        let joining = "\(lost[4])||unknown|10.0.0.14|manager||\n"
        #expect(try removed(by: "manager", Self.members + joining + voting) == demoted)
    }

    /// The entry of an interrupted join is down only after a manager has started again: then no node may be left that
    /// registers.
    @Test(arguments: Shell.allCases)
    func `a manager that starts removes the nameless entries that are down, and nothing else`(_ shell: Shell) throws {
        let lost = (1...3).map { String("n\($0)00000000000000000000000id".prefix(25)) }
        let rig = try Self.rig(
            members: Self.members.replacing("red02|ready", with: "red02|down") + """
                \(lost[0])||unknown||worker||
                \(lost[1])||down||worker||
                \(lost[2])||down||manager||

                """)
        rig.scratch.write("root:*:1:0:::::\n", to: "root/etc/shadow")
        let sshd = rig.scratch.write("#!/bin/sh\nexit 0\n", to: "root/usr/sbin/sshd")
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: sshd.string)
        #expect(
            try rig.run(shell.command + [rig.scratch["root\(TokenService.programPath)"].string, "serve"]).succeeded)
        let wanted = ["node rm --force \(lost[1])", "node rm --force \(lost[2])"]
        // It goes on beside sshd.
        for _ in 0..<250 where Self.commands(rig) != wanted { usleep(20_000) }
        #expect(Self.commands(rig) == wanted)
    }

    @Test(arguments: Shell.allCases, ["*", "!", "!*", "$6$x$y"])
    func `the service's sshd lets root in whatever its password is`(_ shell: Shell, password: String) throws {
        let rig = try Self.rig()
        rig.scratch.write("daemon:*:1:0:::::\nroot:\(password):1:0:::::\n", to: "root/etc/shadow")
        let sshd = rig.scratch.write("#!/bin/sh\necho \"$*\"\n", to: "root/usr/sbin/sshd")
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: sshd.string)
        let result = try rig.run(shell.command + [rig.scratch["root\(TokenService.programPath)"].string, "serve"])
        #expect(
            result.text.hasSuffix("sshd_config -o UsePAM=\(password.hasPrefix("!") ? "yes" : "no")\n"),
            "\(result.errors)")
    }

    @Test func `sshd accepts the configuration, and the keys' options`() throws {
        let scratch = ScratchDirectory()
        let keys = RackKeys.sample
        let host = scratch.write(keys.host.privateKey, to: "host_key").string
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: host)
        let text = TokenService.configuration.replacing("/etc/piflash/swarm/host_key", with: host)
        let file = scratch.write(text, to: "sshd_config").string
        let result = try OpenSSHServer.run(["-T", "-f", file])
        #expect(result.succeeded && result.errors.isEmpty, "\(result.errors)")
        for line in [
            "port 2378", "permitrootlogin forced-commands-only", "passwordauthentication no",
            "kbdinteractiveauthentication no", "allowtcpforwarding no", "allowstreamlocalforwarding no",
            "allowagentforwarding no", "x11forwarding no", "permittty no", "permituserrc no",
            "permituserenvironment no",
        ] {
            #expect(result.text.split(separator: "\n").contains(Substring(line)), "\(line)")
        }
        #expect(!result.text.contains("subsystem"))
    }

    @Test func `systemd accepts the token service's unit`() throws {
        let scratch = ScratchDirectory()
        let path = scratch.write(TokenService.unit, to: TokenService.unitName).string
        let result = try OutsideTool("systemd-analyze").run(["verify", "--man=no", path])
        #expect(!result.errors.contains(TokenService.unitName + ":"), "\(result.errors)")
    }

    @Test func `ssh-keygen reads the keys that are made`() throws {
        let scratch = ScratchDirectory()
        for comment in ["", "a", "piflash host", "a much longer comment"] {
            let pair = RackKeys.Pair.make(comment: comment)
            let path = scratch.write(pair.privateKey, to: "key").string
            try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
            let shown = try OutsideTool("ssh-keygen").run(["-y", "-P", "", "-f", path])
            #expect(shown.text == pair.publicKey + (comment.isEmpty ? "" : " \(comment)") + "\n", "\(shown.errors)")
            #expect(RackKeys.Pair(privateKey: pair.privateKey) == pair)
            try FileManager.default.removeItem(atPath: path)
        }
        // And the other way round.
        let path = scratch["made"].string
        #expect(try OutsideTool("ssh-keygen").run(["-q", "-t", "ed25519", "-N", "", "-f", path]).succeeded)
        let text = String(decoding: scratch.read("made"), as: UTF8.self)
        let pair = try #require(RackKeys.Pair(privateKey: text))
        #expect(String(decoding: scratch.read("made.pub"), as: UTF8.self).hasPrefix(pair.publicKey + " "))
        for damaged in ["", "x", String(text.dropLast(40)), text.replacing("b3BlbnNza", with: "AAAAbnNza")] {
            #expect(RackKeys.Pair(privateKey: damaged) == nil)
        }
    }
}
