import Foundation
import Recipes
import SystemPackage
import Testing
import TestSupport

@testable import Provisioning

/// The part of the first-boot program that installs Docker, and loads images.
@Suite struct InstallProgramTests {
    typealias Shell = NodeRig.Shell

    private static func settings(
        _ installation: DockerInstallation?, _ change: (inout FirstBootSettings) -> Void = { _ in }
    )
        -> FirstBootSettings
    {
        var settings = FirstBootSettings.sample(managers: nil)
        settings.installation = installation
        settings.dockerUser = "pirate"
        change(&settings)
        return settings
    }

    /// A node without Docker; apt, the script and dpkg bring one.
    private static func rig(_ settings: FirstBootSettings) throws -> NodeRig {
        let rig = try NodeRig(settings, docker: false, curl: false)
        rig.scratch.write("#!/bin/sh\necho \"$*\" >>\"$RIG/docker.log\"\n", to: "docker")
        let bring = """
            bring() {
                cat "$RIG/docker" >"$RIG/bin/docker" && chmod 755 "$RIG/bin/docker"
                echo "docker:x:998:" >>"$PIFLASH_ROOT/etc/group"
            }
            """
        rig.scratch.write("root:x:0:\n", to: "root/etc/group")
        rig.scratch.write("armv7l\n", to: "machine")
        rig.install("uname", "cat \"$RIG/machine\"")
        rig.install("usermod", "echo \"usermod $*\" >>\"$RIG/accounts.log\"")
        rig.install("groupadd", "echo \"groupadd $*\" >>\"$RIG/accounts.log\"")
        rig.install("dpkg", "echo \"dpkg $*\" >>\"$RIG/apt.log\"\n\(bring)\ncase $1 in -i) bring ;; esac")
        rig.install("apt-cache", "[ -e \"$RIG/split\" ]")
        rig.install(
            "apt-get",
            """
            [ "$1" != --version ] || { cat "$RIG/apt-version" 2>/dev/null || echo 'apt 2.6.1 (arm64)'; exit; }
            echo "$*" >>"$RIG/apt.log"
            left=$(cat "$RIG/apt-broken" 2>/dev/null || echo 0)
            [ "$left" -le 0 ] || { echo $((left - 1)) >"$RIG/apt-broken"; echo 'E: no mirror' >&2; exit 100; }
            \(bring)
            case " $* " in *' install '*) bring ;; esac
            """)
        // What fetches, by either name; it gives what is in $RIG/script.
        rig.scratch.write(
            """
            #!/bin/sh
            . "$RIG/environment"
            echo "$*" >>"$RIG/get.log"
            printf 'channel %s\\n' "$2" >>"$RIG/get.log"
            [ ! -e "$RIG/script-broken" ] || { echo 'no packages' >&2; exit 1; }
            bring
            do_install() { :; }
            do_install "$@"

            """, to: "script")
        rig.scratch.write(bring + "\n", to: "environment")
        return rig
    }

    private static func fetcher(_ rig: NodeRig, _ name: String) {
        rig.install(
            name,
            """
            echo "$*" >>"$RIG/\(name).log"
            while [ $# -gt 0 ]; do case $1 in -o | -O) out=$2 ;; esac; shift; done
            [ -e "$RIG/reachable" ] || { echo 'cannot resolve get.docker.com' >&2; exit 6; }
            cat "$RIG/script" >"$out"
            """)
    }

    private static func lines(_ text: String) -> [String] { text.split(separator: "\n").map(String.init) }

    @Test(arguments: Shell.allCases, [false, true])
    func `Debian's package is installed once, with the command if that is a separate package`(
        _ shell: Shell, split: Bool
    ) throws {
        let rig = try Self.rig(Self.settings(.debian))
        if split { rig.scratch.write("", to: "split") }
        for _ in 1...2 { #expect(try rig.run(shell).succeeded) }
        let installed = Self.lines(rig.text("apt.log")).filter { $0.contains(" install ") }
        #expect(installed.count == 1)
        #expect(installed.first?.hasSuffix(split ? "install docker.io docker-cli" : "install docker.io") == true)
        #expect(rig.text("accounts.log") == "usermod --append --groups docker pirate\n")
        #expect(rig.status["state"] == "done")
        #expect(rig.status["last error"] == nil)
    }

    @Test(arguments: Shell.allCases)
    func `a mirror that fails is tried again, and what is waited for is said`(_ shell: Shell) throws {
        let rig = try Self.rig(Self.settings(.debian))
        rig.scratch.write("2", to: "apt-broken")
        let result = try rig.run(shell)
        #expect(result.succeeded, "\(result.errors)")
        #expect(result.errors.contains("installing Docker, waiting for Debian's docker.io (E: no mirror)"))
        #expect(rig.status["state"] == "done")
    }

    @Test(arguments: Shell.allCases)
    func `without a network the node says so, runs its commands, and goes on at the next boot`(_ shell: Shell) throws {
        let rig = try Self.rig(Self.settings(.debian) { $0.commands = ["echo ran >>\"$RIG/ran\""] })
        rig.scratch.write("Iface\nlo\n", to: "root/proc/net/route")
        #expect(try rig.run(shell).status == 1)
        #expect(rig.status["state"] == "failed")
        #expect(rig.status["step"] == "installing Docker")
        #expect(rig.status["last error"] == "installing Docker: there is no network")
        #expect(rig.text("ran") == "ran\n")
        rig.scratch.write("Iface\neth0\n", to: "root/proc/net/route")
        #expect(try rig.run(shell).succeeded)
        #expect(rig.text("ran") == "ran\n")
    }

    @Test(arguments: Shell.allCases, ["curl", "wget"])
    func `the script is fetched to a file and run once with its channel`(_ shell: Shell, fetcher: String) throws {
        let rig = try Self.rig(Self.settings(.script) { $0.channel = .test })
        Self.fetcher(rig, fetcher)
        rig.scratch.write("", to: "reachable")
        for _ in 1...2 {
            let result = try rig.run(shell)
            #expect(result.succeeded, "\(result.errors)")
        }
        #expect(rig.text("get.log") == "--channel test\nchannel test\n")
        #expect(Self.lines(rig.text("\(fetcher).log")).count == 1)
        #expect(rig.text("\(fetcher).log").contains("https://get.docker.com"))
        #expect(!rig.has("root/var/lib/piflash/get-docker.sh"))
        #expect(!rig.has("root/etc/apt/preferences.d/piflash-docker"))
    }

    @Test(arguments: Shell.allCases)
    func `a download that fails, is cut off or is something else is not run`(_ shell: Shell) throws {
        let rig = try Self.rig(Self.settings(.script))
        #expect(try rig.run(shell).status == 1)
        #expect(rig.status["last error"]?.contains("neither curl nor wget") == true)
        Self.fetcher(rig, "curl")
        #expect(try rig.run(shell).status == 1)
        #expect(rig.status["last error"] == "installing Docker: cannot resolve get.docker.com")
        #expect(Self.lines(rig.text("curl.log")).count == 3)
        rig.scratch.write("", to: "reachable")
        let script = rig.text("script")
        for other in ["<html>\n", String(script.dropLast(18))] {
            rig.scratch.write(other, to: "script")
            #expect(try rig.run(shell).status == 1)
            #expect(rig.status["last error"]?.contains("not its script") == true)
        }
        #expect(!rig.has("get.log"))
        rig.scratch.write(script, to: "script")
        rig.scratch.write("", to: "script-broken")
        #expect(try rig.run(shell).status == 1)
        #expect(rig.status["last error"] == "installing Docker: no packages")
    }

    @Test(arguments: Shell.allCases, [("armv6l", false), ("armv7l", true)])
    func `ARMv6 is held at Docker 28, on such a Pi and on such a system`(_ shell: Shell, what: (String, Bool)) throws {
        let rig = try Self.rig(Self.settings(.script) { $0.isARMv6 = what.1 })
        Self.fetcher(rig, "curl")
        rig.scratch.write("", to: "reachable")
        rig.scratch.write(what.0 + "\n", to: "machine")
        #expect(try rig.run(shell).succeeded)
        #expect(
            rig.text("root/etc/apt/preferences.d/piflash-docker").hasSuffix(
                "Package: docker-ce docker-ce-cli docker-ce-rootless-extras\nPin: version 5:28.*\nPin-Priority: 1001\n")
        )
    }

    @Test func `apt understands the pin`() throws {
        let rig = try Self.rig(Self.settings(.script) { $0.isARMv6 = true })
        Self.fetcher(rig, "curl")
        rig.scratch.write("", to: "reachable")
        #expect(try rig.run(.dash).succeeded)
        let file = rig.scratch["root/etc/apt/preferences.d/piflash-docker"].string
        let policy = try OutsideTool("apt-cache").run([
            "-o", "Dir::Etc::preferences=\(file)", "-o", "Dir::Etc::preferencesparts=/nonexistent", "policy",
        ])
        #expect(policy.succeeded, "\(policy.errors)")
        #expect(!policy.errors.contains("E:"))
    }

    @Test(arguments: Shell.allCases)
    func `a user who is in the group stays in it, and a missing group is made`(_ shell: Shell) throws {
        let rig = try NodeRig(Self.settings(nil))
        rig.install("usermod", "echo \"usermod $*\" >>\"$RIG/accounts.log\"")
        rig.install("groupadd", "echo \"groupadd $*\" >>\"$RIG/accounts.log\"")
        rig.scratch.write("docker:x:998:me,pirate,you\n", to: "root/etc/group")
        #expect(try rig.run(shell).succeeded)
        #expect(rig.text("accounts.log").isEmpty)
        rig.scratch.write("docker:x:998:me,pirates\nlogin:x:1:pirate\n", to: "root/etc/group")
        rig.configure(Self.settings(nil) { $0.commands = ["true"] })
        #expect(try rig.run(shell).succeeded)
        #expect(rig.text("accounts.log") == "usermod --append --groups docker pirate\n")
        rig.scratch.write("login:x:1:pirate\n", to: "root/etc/group")
        rig.configure(Self.settings(nil) { $0.commands = ["true", "true"] })
        #expect(try rig.run(shell).succeeded)
        #expect(rig.text("accounts.log").contains("groupadd --system docker\nusermod"))
    }

    // MARK: What the card carries

    private static let docker = CarriedFile(.packages, path: "/debs/docker-ce_28.deb", contents: Array("d".utf8))
    private static let containerd = CarriedFile(.packages, path: "/debs/containerd.io.deb", contents: Array("c".utf8))

    @Test(arguments: Shell.allCases, ["apt 2.6.1 (arm64)", "apt 1.0.9.8 (armhf)"])
    func `carried packages are installed together, without a network, once`(_ shell: Shell, apt: String) throws {
        let settings = Self.settings(nil) { $0.carried = [Self.docker, Self.containerd] }
        let rig = try Self.rig(settings)
        rig.scratch.write("Iface\nlo\n", to: "root/proc/net/route")
        rig.scratch.write(apt + "\n", to: "apt-version")
        for file in settings.carried { rig.scratch.write(file.contents, to: "root\(file.path)") }
        for _ in 1...2 {
            let result = try rig.run(shell)
            #expect(result.succeeded, "\(result.errors)")
        }
        let files = settings.carried.map { rig.scratch["root\($0.path)"].string }.joined(separator: " ")
        let log = Self.lines(rig.text("apt.log")).filter { $0.contains("install") || $0.contains("dpkg -i") }
        #expect(log.count == 1)
        #expect(log.first?.hasSuffix(apt.contains("1.0") ? "dpkg -i \(files)" : "install \(files)") == true)
        for file in settings.carried {
            #expect(!rig.has("root\(file.path)"))
            #expect(rig.text("root\(CarriedFile.takenPath)").contains(file.digest + "\n"))
        }
        #expect(rig.text("accounts.log").contains("pirate"))
        // Configured again by a piflash that could not see what the node has used up.
        rig.configure(
            Self.settings(nil) {
                $0.carried = settings.carried; $0.commands = ["true"]
            })
        rig.scratch.write(Self.docker.contents, to: "root\(Self.docker.path)")
        #expect(try rig.run(shell).succeeded)
        #expect(!rig.has("root\(Self.docker.path)"))
    }

    @Test(arguments: Shell.allCases)
    func `carried packages that lack something are tried again with the network, and reported`(_ shell: Shell) throws {
        let settings = Self.settings(nil) { $0.carried = [Self.docker] }
        let rig = try Self.rig(settings)
        rig.scratch.write(Self.docker.contents, to: "root\(Self.docker.path)")
        rig.scratch.write("9", to: "apt-broken")
        #expect(try rig.run(shell).status == 1)
        #expect(rig.status["last error"] == "docker.packages: E: no mirror")
        #expect(rig.has("root\(Self.docker.path)"))
        // The first attempt fails, the list of packages comes, the second succeeds.
        rig.scratch.write("1", to: "apt-broken")
        let result = try rig.run(shell)
        #expect(result.succeeded, "\(result.errors)")
        #expect(rig.text("apt.log").contains("-q update\n"))
        #expect(rig.status["last error"] == nil)
    }

    private static let web = CarriedFile(.images, path: "/images/web server.tar", contents: Array("w".utf8))
    private static let database = CarriedFile(.images, path: "/images/db.tar.gz", contents: Array("b".utf8))

    @Test(arguments: Shell.allCases)
    func `carried images are loaded once without a network, and give back their room`(_ shell: Shell) throws {
        let settings = Self.settings(nil) { $0.carried = [Self.web, Self.database] }
        let rig = try NodeRig(settings)
        rig.scratch.write("docker:x:998:pirate\n", to: "root/etc/group")
        rig.scratch.write("Iface\nlo\n", to: "root/proc/net/route")
        for file in settings.carried { rig.scratch.write(file.contents, to: "root\(file.path)") }
        let result = try rig.run(shell)
        #expect(result.succeeded, "\(result.errors)")
        #expect(result.errors.contains("loading the images of web_server.tar"))
        #expect(try rig.run(shell).succeeded)
        rig.configure(
            Self.settings(nil) {
                $0.carried = settings.carried; $0.commands = ["true"]
            })
        #expect(try rig.run(shell).succeeded)
        let loads = Self.lines(rig.text("docker.log")).filter { $0.hasPrefix("load ") }
        #expect(loads == settings.carried.map { "load -i \(rig.scratch["root\($0.path)"])" })
        for file in settings.carried { #expect(!rig.has("root\(file.path)")) }
    }

    @Test(arguments: Shell.allCases)
    func `an image that does not load is reported and kept, and the others are loaded`(_ shell: Shell) throws {
        let settings = Self.settings(nil) {
            $0.carried = [Self.web, Self.database]
            $0.commands = ["echo ran >>\"$RIG/ran\""]
        }
        let rig = try NodeRig(settings)
        rig.scratch.write("docker:x:998:pirate\n", to: "root/etc/group")
        rig.install(
            "docker",
            """
            echo "$*" >>"$RIG/docker.log"
            case "$*" in load*web*) [ -e "$RIG/mended" ] || { echo 'invalid tar header' >&2; exit 1; } ;; esac
            """)
        for file in settings.carried { rig.scratch.write(file.contents, to: "root\(file.path)") }
        #expect(try rig.run(shell).status == 1)
        #expect(rig.status["state"] == "failed")
        #expect(rig.status["last error"] == "docker.preload: web_server.tar: invalid tar header")
        #expect(rig.has("root\(Self.web.path)") && !rig.has("root\(Self.database.path)"))
        #expect(rig.text("ran") == "ran\n")
        rig.scratch.write("", to: "mended")
        #expect(try rig.run(shell).succeeded)
        #expect(Self.lines(rig.text("docker.log")).count { $0.contains("db.tar.gz") } == 1)
    }
}
