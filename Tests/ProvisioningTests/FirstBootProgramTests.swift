import Foundation
import Recipes
import SystemPackage
import Testing
import TestSupport
import Text

@testable import Provisioning

@Suite struct FirstBootProgramTests {
    typealias Shell = NodeRig.Shell

    @Test func `shellcheck and both shells accept the program`() throws {
        let scratch = ScratchDirectory()
        let path = scratch.write(FirstBootProgram.source, to: "first-boot").string
        let check = try OutsideTool("shellcheck").run(["-s", "sh", path])
        #expect(check.succeeded, "\(check.text)")
        #expect(try OutsideTool("dash").run(["-n", path]).succeeded)
        #expect(try OutsideTool("busybox").run(["sh", "-n", path]).succeeded)
        #expect(!FirstBootProgram.source.contains("\r"))
    }

    @Test(arguments: Shell.allCases)
    func `without systemd Docker is restarted by its script`(_ shell: Shell) throws {
        let settings = FirstBootSettings.sample(daemon: "{}\n", managers: nil)
        let rig = try NodeRig(settings)
        try FileManager.default.removeItem(atPath: rig.scratch["root/run/systemd"].string)
        rig.install("service", "echo \"$*\" >>\"$RIG/service.log\"")
        #expect(try rig.run(shell).succeeded)
        #expect(rig.text("service.log") == "docker restart\n")
        #expect(!rig.has("systemctl.log"))
        #expect(rig.status["state"] == "done")
    }

    @Test(arguments: Shell.allCases)
    func `the rack's names are in hosts after every boot, and go if the recipe drops them`(_ shell: Shell) throws {
        var settings = FirstBootSettings.sample(docker: false, managers: nil)
        settings.rack = [.init(name: "red00", address: "10.0.0.1"), .init(name: "red01", address: "10.0.0.2")]
        let rig = try NodeRig(settings)
        let image = "127.0.0.1\tlocalhost\n127.0.1.1\tred01\n"
        let wanted = image + "# piflash: the rack\n10.0.0.1\tred00\n10.0.0.2\tred01\n# piflash: end\n"
        // cloud-init rewrites the file at each boot.
        for _ in 1...2 {
            rig.scratch.write(image, to: "root/etc/hosts")
            #expect(try rig.run(shell).succeeded)
            #expect(rig.text("root/etc/hosts") == wanted)
        }
        #expect(try rig.run(shell).succeeded)
        #expect(rig.text("root/etc/hosts") == wanted)
        settings.rack = []
        rig.configure(settings)
        #expect(try rig.run(shell).succeeded)
        #expect(rig.text("root/etc/hosts") == image)
    }

    @Test(arguments: Shell.allCases)
    func `packages and the locale are made once where nothing else makes them`(_ shell: Shell) throws {
        var settings = FirstBootSettings.sample(docker: false, managers: nil)
        settings.packages = ["avahi-daemon", "htop"]
        settings.language = "en_GB.UTF-8"
        settings.usesWiFi = true
        let rig = try NodeRig(settings)
        rig.install("locale", "cat \"$RIG/locales\" 2>/dev/null; echo C.utf8")
        rig.install("locale-gen", "echo gen >>\"$RIG/locale.log\"; echo en_GB.utf8 >\"$RIG/locales\"")
        rig.install("rfkill", "echo \"$*\" >>\"$RIG/radio.log\"")
        rig.install(
            "apt-get",
            """
            echo "$*" >>"$RIG/apt.log"
            [ -e "$RIG/mirror" ] || { echo 'E: no mirror' >&2; exit 100; }
            """)
        // Three tries with all packages, and then each alone.
        #expect(try rig.run(shell).status == 1)
        #expect(rig.status["state"] == "failed")
        #expect(rig.status["step"] == "installing packages")
        #expect(
            rig.status["last error"] == "first_boot.packages: avahi-daemon: no mirror; htop: no mirror")
        #expect(rig.text("apt.log").split(separator: "\n").count { $0.hasSuffix(" update") } == 3)
        rig.scratch.write("", to: "mirror")
        // The next boot tries again, and the one after it does not.
        for _ in 1...2 { #expect(try rig.run(shell).succeeded) }
        let lines = rig.text("apt.log").split(separator: "\n")
        #expect(lines.suffix(2).first?.hasSuffix("-y -q update") == true)
        #expect(lines.last?.hasSuffix("-y -q install avahi-daemon htop") == true)
        #expect(rig.status["last error"] == nil)
        #expect(rig.text("locale.log") == "gen\n")
        #expect(rig.text("radio.log").contains("unblock wlan"))
    }

    @Test func `the sysvinit script is plain sh, says what it needs, and does not wait`() throws {
        let scratch = ScratchDirectory()
        let path = scratch.write(FirstBootScript.text, to: FirstBootScript.name).string
        let check = try OutsideTool("shellcheck").run(["-s", "sh", path])
        #expect(check.succeeded, "\(check.text)")
        #expect(try OutsideTool("dash").run(["-n", path]).succeeded)
        #expect(FirstBootScript.text.contains("# Required-Start:"))
        #expect(try OutsideTool("dash").run([path, "start"]).succeeded)
    }

    @Test func `systemd accepts the unit`() throws {
        let scratch = ScratchDirectory()
        let path = scratch.write(FirstBootUnit.text, to: FirstBootUnit.name).string
        let result = try OutsideTool("systemd-analyze").run(["verify", "--man=no", path])
        #expect(!result.errors.contains(FirstBootUnit.name + ":"), "\(result.errors)")
    }

    @Test(arguments: Shell.allCases)
    func `a node joins, and its token is gone from the card, the node and every argument`(_ shell: Shell) throws {
        let settings = FirstBootSettings.sample()
        let rig = try NodeRig(settings)
        rig.configure(settings, token: Sample.token)
        let result = try rig.run(shell)
        #expect(result.succeeded, "\(result.errors)")
        #expect(
            rig.text("request")
                == #"{"ListenAddr":"0.0.0.0:2377","AdvertiseAddr":"eth0","RemoteAddrs":["10.0.0.1:2377"],"JoinToken":"\#(Sample.token)"}"#
        )
        #expect(!rig.text("processes").isEmpty)
        for text in [rig.text("processes"), rig.text("curl.log"), rig.text("docker.log"), result.errors, result.text] {
            #expect(!text.contains(Sample.token))
        }
        #expect(!rig.has("root/boot/piflash/join-token"))
        #expect(!rig.has("root/var/lib/piflash/join-token"))
        #expect(rig.status["node"] == "red01")
        #expect(rig.status["state"] == "done")
        #expect(rig.status["since"]?.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/) != nil)
        #expect(!rig.has("root/boot/piflash/status.new"))
        // The next boot has nothing to do.
        let before = rig.text("docker.log")
        #expect(try rig.run(shell).succeeded)
        #expect(rig.text("docker.log") == before)
    }

    @Test(arguments: Shell.allCases)
    func `a node that is in the swarm stays in it`(_ shell: Shell) throws {
        let settings = FirstBootSettings.sample()
        let rig = try NodeRig(settings)
        rig.configure(settings, token: Sample.token)
        rig.scratch.write("active\n", to: "swarm-state")
        #expect(try rig.run(shell).succeeded)
        #expect(!rig.has("request"))
        #expect(!rig.has("root/var/lib/piflash/join-token"))
        #expect(rig.status["state"] == "done")
    }

    @Test(arguments: Shell.allCases)
    func `managers are tried in turn until one answers`(_ shell: Shell) throws {
        let settings = FirstBootSettings.sample(advertise: "192.168.50.11")
        let rig = try NodeRig(settings)
        rig.configure(settings, token: Sample.token)
        rig.scratch.write("3\n", to: "manager-down")
        rig.scratch.write("rpc error: connection refused", to: "reason")
        let result = try rig.run(shell)
        #expect(result.succeeded, "\(result.errors)")
        #expect(rig.text("curl.log").split(separator: "\n").count == 4)
        #expect(rig.text("request").contains("\"AdvertiseAddr\":\"192.168.50.11\",\"RemoteAddrs\":[\"10.0.0.2:2377\"]"))
        #expect(result.errors.contains("connection refused"))
        #expect(rig.status["last error"] == nil)
    }

    @Test(arguments: Shell.allCases)
    func `a token that the swarm refuses is reported, kept, and replaced by a new one`(_ shell: Shell) throws {
        let settings = FirstBootSettings.sample(managers: ["10.0.0.1:2377"])
        let rig = try NodeRig(settings)
        rig.configure(settings, token: Sample.token)
        rig.scratch.write("3\n", to: "manager-down")
        rig.scratch.write("invalid join token \(Sample.token)", to: "reason")
        let result = try rig.run(shell)
        #expect(result.status == 1)
        #expect(rig.status["state"] == "failed")
        #expect(rig.status["step"] == "joining the swarm")
        #expect(rig.status["last error"] == "invalid join token SWMTKN-***; write a new token with piflash configure")
        #expect(!result.errors.contains(Sample.token))
        #expect(rig.text("root/var/lib/piflash/join-token") == Sample.token + "\n")
        let mode = try FileManager.default.attributesOfItem(
            atPath: rig.scratch["root/var/lib/piflash/join-token"].string)
        #expect(mode[.posixPermissions] as? Int == 0o600)
        // The next boot brings another token.
        let other = Sample.token.replacing("-0ab", with: "-0zz")
        rig.configure(settings, token: other)
        #expect(try rig.run(shell).succeeded)
        #expect(rig.text("request").contains(other))
        #expect(rig.status["state"] == "done")
    }

    @Test(arguments: Shell.allCases)
    func `a new token arms a finished node again`(_ shell: Shell) throws {
        let settings = FirstBootSettings.sample()
        let rig = try NodeRig(settings)
        rig.configure(settings, token: Sample.token)
        #expect(try rig.run(shell).succeeded)
        rig.scratch.write("inactive\n", to: "swarm-state")
        rig.configure(settings, token: Sample.token)
        #expect(try rig.run(shell).succeeded)
        #expect(rig.text("curl.log").split(separator: "\n").count == 2)
        #expect(!rig.has("root/boot/piflash/join-token"))
    }

    @Test(arguments: Shell.allCases)
    func `a join under way is waited for, and left when it does not end`(_ shell: Shell) throws {
        let settings = FirstBootSettings.sample()
        let rig = try NodeRig(settings)
        rig.configure(settings, token: Sample.token)
        rig.scratch.write("pending\n", to: "swarm-state")
        #expect(try rig.run(shell).succeeded)
        #expect(rig.text("docker.log").contains("swarm leave --force"))
        #expect(rig.has("request"))
    }

    @Test(arguments: Shell.allCases)
    func `a manager that does not answer is passed over without a join that hangs`(_ shell: Shell) throws {
        let settings = FirstBootSettings.sample()
        let rig = try NodeRig(settings)
        rig.configure(settings, token: Sample.token)
        let managers = settings.managers ?? []
        try #require(managers.count > 1)
        rig.scratch.write(managers[0], to: "silent")
        let result = try rig.run(shell)
        #expect(result.succeeded, "\(result.errors)")
        #expect(rig.text("request").contains("\"RemoteAddrs\":[\"\(managers[1])\"]"))
        #expect(!rig.text("probe.log").contains(Sample.token))
    }

    @Test(arguments: Shell.allCases)
    func `a join of our own that ended in an error is left and tried again`(_ shell: Shell) throws {
        let settings = FirstBootSettings.sample()
        let rig = try NodeRig(settings)
        rig.configure(settings, token: Sample.token)
        rig.scratch.write("error\n", to: "swarm-state")
        rig.scratch.write("", to: "root/var/lib/piflash/joining")
        let result = try rig.run(shell)
        #expect(result.succeeded, "\(result.errors)")
        #expect(rig.text("docker.log").contains("swarm leave --force"))
        #expect(rig.has("request"))
        #expect(!rig.has("root/var/lib/piflash/joining"))
    }

    @Test(arguments: Shell.allCases, ["locked", "error"])
    func `a swarm that only a person can mend is reported and left alone`(_ shell: Shell, state: String) throws {
        let settings = FirstBootSettings.sample()
        let rig = try NodeRig(settings)
        rig.configure(settings, token: Sample.token)
        rig.scratch.write(state + "\n", to: "swarm-state")
        #expect(try rig.run(shell).status == 1)
        #expect(!rig.has("request"))
        #expect(!rig.text("docker.log").contains("leave"))
        #expect(rig.status["state"] == "failed")
    }

    @Test(arguments: Shell.allCases)
    func `without curl the docker command joins`(_ shell: Shell) throws {
        let settings = FirstBootSettings.sample()
        let rig = try NodeRig(settings, curl: false)
        rig.configure(settings, token: Sample.token)
        #expect(try rig.run(shell).succeeded)
        #expect(
            rig.text("docker.log").contains("swarm join --token \(Sample.token) --advertise-addr eth0 10.0.0.1:2377"))
    }

    @Test(arguments: Shell.allCases)
    func `a node without Docker says what to add, and runs its commands all the same`(_ shell: Shell) throws {
        let settings = FirstBootSettings.sample(commands: ["echo ran >>\"$RIG/ran\""])
        let rig = try NodeRig(settings, docker: false)
        rig.configure(settings, token: Sample.token)
        for _ in 1...2 {
            #expect(try rig.run(shell).status == 1)
            #expect(rig.status["state"] == "failed")
            #expect(rig.status["step"] == "waiting for Docker")
            #expect(
                rig.status["last error"]
                    == "docker is not installed; write docker.install: auto in the recipe")
        }
        #expect(rig.text("ran") == "ran\n")
    }

    @Test(arguments: Shell.allCases)
    func `commands run once, in order, each, and a failing one stops nothing`(_ shell: Shell) throws {
        let commands = [
            "echo one >>\"$RIG/ran\"; exit 3", "echo \"it's \\$HOME\" >>\"$RIG/ran\"", "echo twice >>\"$RIG/ran\"",
            "echo twice >>\"$RIG/ran\"",
        ]
        let rig = try NodeRig(.sample(docker: false, managers: nil, commands: commands))
        #expect(try rig.run(shell).succeeded)
        #expect(rig.text("ran") == "one\nit's $HOME\ntwice\ntwice\n")
        #expect(rig.status["state"] == "done")
        #expect(rig.status["last error"] == "first_boot.run: command 0001 ended with status 3")
        #expect(try rig.run(shell).succeeded)
        #expect(rig.text("ran") == "one\nit's $HOME\ntwice\ntwice\n")
        // A changed recipe runs only what is new in it.
        rig.configure(.sample(docker: false, managers: nil, commands: ["echo new >>\"$RIG/ran\""] + commands))
        #expect(try rig.run(shell).succeeded)
        #expect(rig.text("ran") == "one\nit's $HOME\ntwice\ntwice\nnew\n")
    }

    @Test(arguments: Shell.allCases)
    func `after a crash half-way the rest is done, and the command that was cut short is reported`(_ shell: Shell)
        throws
    {
        let rig = try NodeRig(
            .sample(
                docker: false, managers: nil,
                commands: ["echo a >>\"$RIG/ran\"", "echo b >>\"$RIG/ran\"; kill -9 $PPID", "echo c >>\"$RIG/ran\""]))
        #expect(try !rig.run(shell).succeeded)
        #expect(rig.text("ran") == "a\nb\n")
        #expect(try rig.run(shell).succeeded)
        #expect(rig.text("ran") == "a\nb\nc\n")
        #expect(rig.status["last error"] == "first_boot.run: command 0002 was cut short and is not repeated")
    }

    @Test(arguments: Shell.allCases)
    func `two copies at once are one`(_ shell: Shell) throws {
        let rig = try NodeRig(.sample(docker: false, managers: nil, commands: ["echo x >>\"$RIG/ran\"; sleep 0.5"]))
        let one = (shell.command + [rig.scratch["root\(FirstBootProgram.path)"].string]).joined(separator: " ")
        let result = try rig.run(["/usr/bin/dash", "-c", "\(one) & \(one) & wait"])
        #expect(result.succeeded)
        #expect(rig.text("ran") == "x\n")
        #expect(rig.status["state"] == "done")
    }

    @Test(arguments: Shell.allCases)
    func `a signal leaves a note, and the next boot goes on`(_ shell: Shell) throws {
        let rig = try NodeRig(
            .sample(
                docker: false, managers: nil,
                commands: ["[ -e \"$RIG/again\" ] || kill -TERM $PPID", "echo x >\"$RIG/again\""]))
        #expect(try rig.run(shell).status == 143)
        #expect(rig.status["state"] == "interrupted")
        #expect(try rig.run(shell).succeeded)
        #expect(rig.status["state"] == "done")
    }

    @Test(arguments: Shell.allCases)
    func `Docker is restarted once for each configuration`(_ shell: Shell) throws {
        func restarts(_ rig: NodeRig) -> Int {
            rig.text("systemctl.log").split(separator: "\n").count { $0 == "restart docker.service" }
        }
        let rig = try NodeRig(.sample(daemon: "{}\n", managers: nil))
        #expect(try rig.run(shell).succeeded)
        #expect(try rig.run(shell).succeeded)
        #expect(restarts(rig) == 1)
        rig.configure(.sample(daemon: "{ }\n", managers: nil))
        #expect(try rig.run(shell).succeeded)
        #expect(restarts(rig) == 2)
        #expect(!rig.has("root/etc/systemd/system/docker.service.d/piflash.conf"))
        // The recipe has dropped its configuration.
        rig.configure(.sample(docker: false, managers: nil))
        #expect(try rig.run(shell).succeeded)
        #expect(restarts(rig) == 3)
        #expect(!rig.has("root/etc/docker/daemon.json"))
    }

    @Test(
        arguments: Shell.allCases,
        [
            (
                "ExecStart=/usr/bin/dockerd -H fd:// --containerd=/run/c.sock",
                "/usr/bin/dockerd --containerd=/run/c.sock"
            ),
            (
                "ExecStart=/usr/sbin/dockerd -H fd:// --containerd=/run/c.sock $DOCKER_OPTS",
                "/usr/sbin/dockerd --containerd=/run/c.sock $DOCKER_OPTS"
            ),
            ("ExecStart=/usr/bin/dockerd \\\n  --host=unix:// \\\n  -Hfd:// --debug", "/usr/bin/dockerd --debug"),
            ("ExecStart=\nExecStart=/opt/* --host fd:// -l x", "/opt/* -l x"),
        ])
    func `with hosts in daemon-json the unit's own command line loses its -H`(_ shell: Shell, unit: (String, String))
        throws
    {
        let rig = try NodeRig(.sample(daemon: "{\"hosts\": [\"fd://\"]}\n", hosts: true, managers: nil))
        rig.scratch.write(
            "# /lib/systemd/system/docker.service\n[Service]\nType=notify\n\(unit.0)\nExecReload=/bin/kill -s HUP\n",
            to: "unit")
        #expect(try rig.run(shell).succeeded)
        #expect(
            rig.text("root/etc/systemd/system/docker.service.d/piflash.conf")
                == "[Service]\nExecStart=\nExecStart=\(unit.1)\n")
        let log = rig.text("systemctl.log")
        #expect(log.contains("cat docker.service\ndaemon-reload\n") && log.hasSuffix("restart docker.service\n"))
    }

    @Test(arguments: Shell.allCases)
    func `a Docker that does not start is reported, and tried again at the next boot`(_ shell: Shell) throws {
        let rig = try NodeRig(.sample(daemon: "{}\n", managers: nil))
        rig.scratch.write("", to: "docker-broken")
        rig.scratch.write("", to: "docker-down")
        #expect(try rig.run(shell).status == 1)
        #expect(rig.status["last error"] == "Cannot connect to the Docker daemon")
        try FileManager.default.removeItem(atPath: rig.scratch["docker-broken"].string)
        try FileManager.default.removeItem(atPath: rig.scratch["docker-down"].string)
        #expect(try rig.run(shell).succeeded)
        #expect(rig.status["state"] == "done")
    }

    @Test(arguments: Shell.allCases)
    func `a curl that cannot speak to a socket gives way to the docker command`(_ shell: Shell) throws {
        let settings = FirstBootSettings.sample()
        let rig = try NodeRig(settings)
        rig.configure(settings, token: Sample.token)
        rig.install("curl", "cat >/dev/null; echo 'curl: option --unix-socket: is unknown' >&2; exit 2")
        #expect(try rig.run(shell).succeeded)
        #expect(rig.text("docker.log").contains("swarm join --token"))
        #expect(rig.status["state"] == "done")
    }

    @Test(arguments: Shell.allCases)
    func `a boot partition that cannot be written stops nothing`(_ shell: Shell) throws {
        let rig = try NodeRig(.sample(docker: false, managers: nil, commands: ["echo ran >>\"$RIG/ran\""]))
        // A file where the directory should be: root may write anywhere else.
        rig.scratch.write("", to: "root/boot/piflash")
        #expect(try rig.run(shell).succeeded)
        #expect(rig.text("ran") == "ran\n")
    }

    /// Runs the program with seconds that last a second, and notes each writing of the card's status.
    private static func runInRealTime(_ rig: NodeRig, _ shell: Shell) throws -> OutsideTool.Result {
        rig.install(
            "mv",
            "case \"$*\" in *status.txt) tr '\\n' ' ' <\"$RIG/root/boot/piflash/status.new\" >>\"$RIG/writes\"; echo >>\"$RIG/writes\" ;; esac; exec /bin/mv \"$@\""
        )
        var environment = rig.environment
        environment["PIFLASH_TICK"] = "1"
        return try OutsideTool("env").run(
            ["PATH=\(rig.path)"] + shell.command + [rig.scratch["root\(FirstBootProgram.path)"].string],
            environment: environment)
    }

    @Test(arguments: Shell.allCases)
    func `steps that follow each other at once are not each written to the card`(_ shell: Shell) throws {
        let commands = (1...8).map { "true \($0)" }
        let rig = try NodeRig(.sample(docker: false, managers: nil, commands: commands))
        #expect(try Self.runInRealTime(rig, shell).succeeded)
        let writes = rig.text("writes").split(separator: "\n")
        #expect(writes.count == 2, "\(writes)")
        #expect(writes.first?.contains("running command 0001") == true && writes.last?.contains("state: done") == true)
        // All of it is in the journal.
        #expect(rig.status["state"] == "done")
    }

    @Test func `a step that lasts is on the card soon, whatever was written just before`() throws {
        let waits = """
            n=0; until grep -q 'running command 0002' "$RIG/root/boot/piflash/status.txt"; do
                n=$((n + 1)); [ $n -lt 300 ] || exit 1; sleep 0.2
            done
            """
        let rig = try NodeRig(.sample(docker: false, managers: nil, commands: ["true", waits]))
        #expect(try Self.runInRealTime(rig, .dash).succeeded)
        #expect(rig.status["last error"] == nil, "\(rig.status)")
        #expect(rig.text("writes").split(separator: "\n").count == 3)
    }

    @Test(arguments: Shell.allCases)
    func `the recipe's commands have a home, a user and a usable PATH`(_ shell: Shell) throws {
        let rig = try NodeRig(
            .sample(docker: false, managers: nil, commands: ["echo \"$HOME $USER $LOGNAME\" >\"$RIG/seen\""]))
        let result = try OutsideTool("env").run(
            ["-i", "PATH=\(rig.path)"] + rig.environment.map { "\($0)=\($1)" } + shell.command
                + [rig.scratch["root\(FirstBootProgram.path)"].string])
        #expect(result.succeeded)
        #expect(rig.text("seen") == "/root root root\n")
        // On a node nothing but the program's own list may be in PATH.
        let head = try #require(FirstBootProgram.parts.first).text
        let assignment = try #require(head.firstMatch(of: /(?m)^\[ -n "\$root" \] \|\| (PATH=.*)$/)).1
        let path = try OutsideTool("env").run(
            ["-i"] + shell.command + ["-c", "unset PATH; \(assignment); echo \"$PATH\""])
        #expect(path.text == "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n")
    }

    @Test(arguments: Shell.allCases)
    func `a clock that lags and a network that does not come are waited for, but not for ever`(_ shell: Shell) throws {
        let rig = try NodeRig(.sample(flashTime: 99_999_999_999, docker: false, managers: nil, commands: ["true"]))
        rig.install("timedatectl", "echo 'System clock synchronized: no'")
        rig.scratch.write("Iface\nlo\ndocker0\nbr-1234\nveth9\n", to: "root/proc/net/route")
        let result = try rig.run(shell)
        #expect(result.succeeded)
        #expect(result.errors.contains("waiting for the network"))
        #expect(result.errors.contains("waiting for the clock"))
        #expect(rig.status["last error"]?.hasPrefix("the clock is behind") == true)
    }

    @Test(arguments: Shell.allCases)
    func `a token file that is none is only removed`(_ shell: Shell) throws {
        let settings = FirstBootSettings.sample()
        let rig = try NodeRig(settings)
        rig.configure(settings, token: "\u{0}\u{0}\u{0}")
        #expect(try rig.run(shell).status == 1)
        #expect(rig.status["last error"] == "there is no join token; write one with piflash configure")
        #expect(!rig.has("root/boot/piflash/join-token"))
    }

    @Test func `settings reach the shell as they are`() throws {
        for text in Corpus.names + ["'", "''", "a'b'c", "\\", "'\\''", "$(reboot)", "a\nb"] {
            for shell in Shell.allCases {
                let result = try OutsideTool("env").run(
                    shell.command + ["-c", "x=\(shellQuoted(text)); printf '%s' \"$x\""])
                #expect(result.output == Array(text.utf8))
            }
        }
    }
}
