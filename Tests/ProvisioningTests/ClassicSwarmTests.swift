import Foundation
import Recipes
import SystemPackage
import Testing
import TestSupport

@testable import Provisioning

/// The first-boot program in a swarm of containers, with a stand-in for Docker 1.6 that has images and containers.
@Suite struct ClassicSwarmTests {
    typealias Shell = NodeRig.Shell

    static let consul = "dduportal/arm-consul:0.5.0"
    static let swarm = "dduportal/arm-swarm:0.2.0"

    static func settings(
        _ role: Node.Swarm.Role = .worker, managers: [String] = ["10.0.0.10"], consul: String? = "10.0.0.10",
        address: String? = "10.0.0.11"
    ) -> FirstBootSettings {
        var settings = FirstBootSettings.sample(managers: managers, advertise: address)
        settings.orchestration =
            ClassicSwarm(role: role, managers: managers, consul: consul, ownAddress: address).settings
        return settings
    }

    /// `images/` are those on the node, `containers/` say whether each runs. A number in `offline` is how many pulls
    /// fail, one in `alone` how many starts of Consul find no server, one in `broken` how many runs Docker refuses.
    static func rig(_ settings: FirstBootSettings = settings(), images: [String] = []) throws -> NodeRig {
        let rig = try NodeRig(settings)
        rig.scratch.write("", to: "containers/.keep")
        rig.scratch.write("", to: "images/.keep")
        for image in images { rig.scratch.write("", to: "images/\(file(image))") }
        rig.install(
            "docker",
            """
            echo "$*" >>"$RIG/docker.log"
            file() { printf '%s' "$1" | tr '/:' '__'; }
            count() {
                left=$(cat "$RIG/$1" 2>/dev/null || echo 0)
                [ "$left" -gt 0 ] || return 1
                echo $((left - 1)) >"$RIG/$1"
            }
            start() {
                echo true >"$RIG/containers/$1"
                if [ "$1" = consul ] && count alone; then echo false >"$RIG/containers/$1"; fi
            }
            case $1 in
            inspect)
                case $3 in
                '{{.State.Running}}') cat "$RIG/containers/$4" 2>/dev/null || exit 1 ;;
                *) [ -e "$RIG/images/$(file "$4")" ] || exit 1 ;;
                esac ;;
            pull)
                if count offline; then echo 'no such host' >&2; exit 1; fi
                : >"$RIG/images/$(file "$2")" ;;
            run)
                case "$*" in *--name\\ swarmmanager\\ *) name=swarmmanager ;;
                *--name\\ swarm\\ *) name=swarm ;; *) name=consul ;; esac
                if [ -e "$RIG/containers/$name" ]; then echo 'Conflict, the name is in use' >&2; exit 1; fi
                if count broken; then
                    echo false >"$RIG/containers/$name"; echo 'port is already allocated' >&2; exit 1
                fi
                start "$name" ;;
            start)
                if [ -e "$RIG/stuck" ]; then rm "$RIG/stuck"; echo 'device or resource busy' >&2; exit 1; fi
                start "$2" ;;
            rm) rm "$RIG/containers/$3" ;;
            logs) echo '==> Error joining the cluster: no route to host' >&2 ;;
            info | load) ;;
            *) echo "docker $* is not known" >&2; exit 125 ;;
            esac
            """)
        return rig
    }

    private static func file(_ image: String) -> String { String(image.map { "/:".contains($0) ? "_" : $0 }) }

    /// A reboot stops all containers.
    private static func reboot(_ rig: NodeRig, _ settings: FirstBootSettings? = nil) throws {
        for name in ["consul", "swarm", "swarmmanager"] where rig.has("containers/\(name)") {
            rig.scratch.write("false\n", to: "containers/\(name)")
        }
        if rig.has("docker.log") { try FileManager.default.removeItem(atPath: rig.scratch["docker.log"].string) }
        if let settings { rig.configure(settings) }
    }

    /// What Docker was asked to change.
    private static func changes(_ rig: NodeRig) -> [String] {
        rig.text("docker.log").split(separator: "\n").map(String.init).filter { line in
            ["run", "start", "pull", "rm"].contains(String(line.prefix { $0 != " " }))
        }
    }

    private static func runs(_ rig: NodeRig) -> [String] { changes(rig).filter { $0.hasPrefix("run ") } }

    private static let worker = [
        "run --net=host --name consul -d dduportal/arm-consul:0.5.0 -server -advertise 10.0.0.11 -join 10.0.0.10",
        "run -d --name swarm dduportal/arm-swarm:0.2.0 join --addr 10.0.0.11:2375 consul://10.0.0.11:8500/swarm",
    ]

    @Test(arguments: Shell.allCases)
    func `a worker fetches the images and runs an agent of Consul and one of Swarm`(_ shell: Shell) throws {
        let rig = try Self.rig()
        let result = try rig.run(shell)
        #expect(result.succeeded, "\(result.errors)")
        #expect(rig.status["state"] == "done" && rig.status["last error"] == nil)
        #expect(
            Self.changes(rig).filter { !$0.hasPrefix("rm ") } == ["pull \(Self.consul)", "pull \(Self.swarm)"]
                + Self.worker)
        #expect(!rig.text("docker.log").contains("swarm join"))
    }

    @Test(
        arguments: Shell.allCases,
        [
            (nil, "-server -bootstrap-expect 1 -advertise 10.0.0.10"),
            ("10.0.0.2", "-server -advertise 10.0.0.10 -join 10.0.0.2"),
            // It is the server without its recipe knowing its address beforehand.
            ("10.0.0.10", "-server -bootstrap-expect 1 -advertise 10.0.0.10"),
        ] as [(String?, String)])
    func `a manager also runs an engine of all engines, and the first one Consul's server`(
        _ shell: Shell, consul: (address: String?, arguments: String)
    ) throws {
        let rig = try Self.rig(
            Self.settings(.manager, managers: [], consul: consul.address, address: "10.0.0.10"),
            images: [Self.consul, Self.swarm])
        #expect(try rig.run(shell).succeeded)
        #expect(
            Self.changes(rig).filter { !$0.hasPrefix("rm ") } == [
                "run --net=host --name consul -d dduportal/arm-consul:0.5.0 \(consul.arguments)",
                "run -d --name swarm dduportal/arm-swarm:0.2.0 join --addr 10.0.0.10:2375 "
                    + "consul://10.0.0.10:8500/swarm",
                "run --name swarmmanager -d -p 10000:2375 dduportal/arm-swarm:0.2.0 manage "
                    + "consul://10.0.0.10:8500/swarm",
            ])
    }

    @Test(arguments: Shell.allCases)
    func `every boot starts what is there, makes nothing twice, and keeps what was wrong before`(_ shell: Shell) throws
    {
        var settings = Self.settings(.manager)
        settings.commands = ["exit 3"]
        let rig = try Self.rig(settings)
        #expect(try rig.run(shell).succeeded)
        for _ in 1...2 {
            try Self.reboot(rig)
            #expect(try rig.run(shell).succeeded)
            #expect(Self.changes(rig) == ["start consul", "start swarm", "start swarmmanager"])
            #expect(rig.status["state"] == "done")
            #expect(rig.status["last error"] == "first_boot.run: command 0001 ended with status 3")
        }
        // Started again by hand while all is well.
        try FileManager.default.removeItem(atPath: rig.scratch["docker.log"].string)
        #expect(try rig.run(shell).succeeded)
        #expect(Self.changes(rig) == [])
    }

    @Test(arguments: Shell.allCases)
    func `another first manager or address replaces the containers, and a former manager has none`(
        _ shell: Shell
    ) throws {
        let rig = try Self.rig(Self.settings(.manager))
        #expect(try rig.run(shell).succeeded)
        try Self.reboot(rig, Self.settings(managers: ["10.0.0.20"], consul: "10.0.0.20"))
        #expect(try rig.run(shell).succeeded)
        #expect(
            Self.changes(rig) == [
                "rm -f consul", Self.worker[0].replacing("-join 10.0.0.10", with: "-join 10.0.0.20"), "start swarm",
                "rm -f swarmmanager",
            ])
        #expect(!rig.has("containers/swarmmanager"))
        try Self.reboot(rig, Self.settings(address: "10.0.0.12"))
        #expect(try rig.run(shell).succeeded)
        #expect(Self.runs(rig) == Self.worker.map { $0.replacing("10.0.0.11", with: "10.0.0.12") })
        // A second manager more is nothing to a worker.
        try Self.reboot(rig, Self.settings(managers: ["10.0.0.10", "10.0.0.20"], address: "10.0.0.12"))
        #expect(try rig.run(shell).succeeded)
        #expect(Self.changes(rig) == ["start consul", "start swarm"])
    }

    @Test(arguments: Shell.allCases)
    func `without a fixed address it is that of the interface that leads to the manager, at every boot`(
        _ shell: Shell
    ) throws {
        let rig = try Self.rig(Self.settings(address: nil))
        func address(_ text: String) {
            rig.install(
                "ip",
                """
                case "$*" in
                '-4 route get 10.0.0.10') echo '10.0.0.10 dev wlan0  src 10.0.0.11 ' ;;
                '-4 addr show dev wlan0')
                    echo '3: wlan0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc mq state UP qlen 1000'
                    [ -z '\(text)' ] || echo '    inet \(text)/24 brd 10.0.0.255 scope global wlan0' ;;
                *) exit 1 ;;
                esac
                """)
        }
        address("")
        #expect(try rig.run(shell).status == 1)
        #expect(rig.status["last error"] == "this node has no address")
        #expect(Self.changes(rig) == [])
        address("10.0.0.11")
        #expect(try rig.run(shell).succeeded)
        #expect(Self.runs(rig) == Self.worker)
        address("10.0.0.99")
        try Self.reboot(rig)
        #expect(try rig.run(shell).succeeded)
        #expect(Self.runs(rig) == Self.worker.map { $0.replacing("10.0.0.11", with: "10.0.0.99") })
    }

    @Test(arguments: Shell.allCases, [2, 3])
    func `images are asked for again until they come`(_ shell: Shell, failures: Int) throws {
        let rig = try Self.rig()
        rig.scratch.write("\(failures)\n", to: "offline")
        let result = try rig.run(shell)
        #expect(Self.changes(rig).filter { $0 == "pull \(Self.consul)" }.count == 3)
        #expect(
            result.errors.contains(
                "waiting for the image \(Self.consul) (docker pull \(Self.consul): no such host)\n"), "\(result.errors)"
        )
        #expect(result.succeeded == (failures == 2))
        if failures == 3 {
            #expect(rig.status["state"] == "failed")
            #expect(rig.status["step"] == "joining the classic swarm")
            #expect(rig.status["last error"] == "docker pull \(Self.consul): no such host")
            #expect(try rig.run(shell).succeeded)
        }
        #expect(Self.runs(rig) == Self.worker)
    }

    @Test(arguments: Shell.allCases)
    func `an agent that finds no server is started until it does, and says what it waits for`(_ shell: Shell) throws {
        let rig = try Self.rig()
        rig.scratch.write("2\n", to: "alone")
        let result = try rig.run(shell)
        #expect(result.succeeded)
        #expect(
            result.errors.contains(
                "working: joining the classic swarm, waiting for Consul at 10.0.0.10 (consul has stopped: ==> Error "
                    + "joining the cluster: no route to host)\n"), "\(result.errors)")
        #expect(Self.runs(rig) == Self.worker)
        #expect(Self.changes(rig).filter { $0 == "start consul" }.count == 2)
        #expect(rig.status["last error"] == nil)
    }

    @Test(arguments: Shell.allCases)
    func `a container that no longer starts is replaced`(_ shell: Shell) throws {
        let rig = try Self.rig()
        #expect(try rig.run(shell).succeeded)
        try Self.reboot(rig)
        rig.scratch.write("", to: "stuck")
        #expect(try rig.run(shell).succeeded)
        #expect(Self.changes(rig) == ["start consul", "rm -f consul", Self.worker[0], "start swarm"])
        // One that Docker has made but cannot start, and one of the same name by somebody else.
        let other = try Self.rig()
        other.scratch.write("true\n", to: "containers/consul")
        other.scratch.write("1\n", to: "broken")
        #expect(try other.run(shell).succeeded)
        #expect(Self.runs(other) == Self.worker)
        #expect(other.text("docker.log").contains("rm -f consul\n"))
        #expect(other.text("docker.log").contains("start consul\n"))
    }

    @Test(arguments: Shell.allCases)
    func `a card that has left the classic swarm takes its containers away, and no others`(_ shell: Shell) throws {
        let rig = try Self.rig()
        #expect(try rig.run(shell).succeeded)
        rig.scratch.write("true\n", to: "containers/swarmmanager")
        var settings = FirstBootSettings.sample(managers: nil)
        settings.commands = ["true"]
        try Self.reboot(rig, settings)
        #expect(try rig.run(shell).succeeded)
        #expect(Self.changes(rig) == ["rm -f swarm", "rm -f consul"])
        #expect(rig.has("containers/swarmmanager"))
    }

    @Test(arguments: Shell.allCases)
    func `at a later boot without Docker the status says so`(_ shell: Shell) throws {
        let rig = try Self.rig()
        #expect(try rig.run(shell).succeeded)
        rig.install("docker", "echo 'Cannot connect to the Docker daemon' >&2; exit 1")
        #expect(try rig.run(shell).status == 1)
        #expect(rig.status["state"] == "failed")
        #expect(rig.status["last error"] == "Cannot connect to the Docker daemon")
    }
}
