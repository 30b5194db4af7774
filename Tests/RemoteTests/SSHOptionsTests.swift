import Diagnostics
import SystemPackage
import TestSupport
import Testing

@testable import Remote

/// What ssh makes of piflash's options and a configuration that gives everything away.
@Suite struct SSHOptionsTests {
    static let hostile = """
        Host *
          ForwardAgent yes
          ForwardX11 yes
          ForwardX11Trusted yes
          GSSAPIDelegateCredentials yes
          StrictHostKeyChecking no
          VerifyHostKeyDNS yes
          UpdateHostKeys yes
          NoHostAuthenticationForLocalhost yes
          PermitLocalCommand yes
          LocalCommand touch /tmp/piflash-local-command
          RemoteCommand cat
          RequestTTY force
          Tunnel yes
          BatchMode no
          ControlMaster no
          ControlPath /tmp/piflash-stranger-%h
          ControlPersist yes
          LocalForward 7001 localhost:22
          RemoteForward 7002 localhost:22
          DynamicForward 7003
          SendEnv LEAK_* LC_*
          Port 2222
          User somebody
          ProxyJump jump.example
        """

    /// Runs `ssh -G` where `configuration` is both the user's and the machine's.
    private func effective(_ arguments: [String], _ configuration: String) throws -> [String] {
        let scratch = ScratchDirectory()
        let hostile = scratch.write(configuration, to: "hostile").string
        let program = """
            home=$(getent passwd "$(id -u)" | cut -d: -f6) && mount -t tmpfs -o mode=700 tmpfs "$home" &&
                mkdir -m 700 "$home/.ssh" && cp "$0" "$home/.ssh/config" && chmod 600 "$home/.ssh/config" &&
                mount --bind "$0" /etc/ssh/ssh_config && exec ssh -G "$@"
            """
        let ours = scratch.write(SSHSettings.configuration, to: "config").string
        let words = arguments.map { $0 == "CONFIGURATION" ? ours : $0 }
        let result = try OutsideTool("unshare").run(["--mount", "sh", "-c", program, hostile] + words)
        #expect(result.succeeded, "\(result.errors)")
        return result.text.split(separator: "\n").map(String.init)
    }

    private func arguments(_ settings: SSHSettings) -> [String] {
        settings.arguments(controlPath: "/run/ours", configuration: "CONFIGURATION")
            + settings.login(on: RemoteHost(name: "red01", addresses: [], user: "pirate")) + ["--", "192.168.50.11"]
    }

    @Test func `a configuration of the user's gives a node nothing`() throws {
        // It is hostile indeed.
        let plain = try effective(["192.168.50.11"], Self.hostile)
        #expect(plain.contains("forwardagent yes") && plain.contains("stricthostkeychecking false"), "\(plain)")
        let lines = try effective(arguments(try SSHSettings(options: ["ConnectTimeout=3"])), Self.hostile)
        for line in [
            "forwardagent no", "forwardx11 no", "gssapidelegatecredentials no", "stricthostkeychecking true",
            "verifyhostkeydns false", "updatehostkeys false", "nohostauthenticationforlocalhost no",
            "permitlocalcommand no", "requesttty false", "tunnel false", "batchmode yes", "controlmaster auto",
            "controlpath /run/ours", "controlpersist 20", "clearallforwardings yes", "connecttimeout 3",
            // The user's own way to the node stays.
            "port 2222", "user pirate", "proxyjump jump.example",
        ] { #expect(lines.contains(line), "\(line): \(lines)") }
        for name in ["localforward", "remoteforward", "dynamicforward", "sendenv", "remotecommand"] {
            #expect(!lines.contains { $0.hasPrefix(name + " ") }, "\(name): \(lines)")
        }
        let accepting = try effective(arguments(try SSHSettings(acceptsNewHostKeys: true)), Self.hostile)
        #expect(accepting.contains("stricthostkeychecking accept-new"))
    }

    @Test(arguments: [
        "StrictHostKeyChecking=no", "stricthostkeychecking no", "ForwardAgent=yes", "ControlPath=/x", "SendEnv=*",
        "BatchMode=no", "PermitLocalCommand yes",
    ])
    func `an option that piflash sets itself is refused`(_ option: String) {
        let failure = #expect(throws: Failure.self) { try SSHSettings(options: [option]) }
        #expect(failure?.message.hasSuffix("piflash sets this option itself") == true)
        #expect((failure?.hint?.contains("--accept-new") ?? false) == option.lowercased().hasPrefix("strict"))
    }
}
