import Foundation
import SystemPackage
import TestSupport
import Testing

@testable import Recipes

/// Lines of authorized_keys files, with ssh-keygen as the oracle.
@Suite struct AuthorizedKeysTests {
    private let scratch = ScratchDirectory()
    private static let key = RecipeHarness.key
    private static let blob = String(key.split(separator: " ")[1])

    /// Whether ssh-keygen reads a key from the file, as sshd would.
    private func isRead(_ text: String) throws -> Bool {
        scratch.write(text + "\n", to: "keys")
        let result = try OutsideTool("ssh-keygen").run(["-l", "-f", scratch["keys"].string])
        return result.succeeded && result.text.contains("SHA256:")
    }

    private func problem(_ text: String) -> String? { ValueRule.authorizedKeys.problem(with: text) }

    @Test(arguments: [
        ["-t", "ed25519"], ["-t", "rsa", "-b", "2048"], ["-t", "ecdsa", "-b", "256"], ["-t", "ecdsa", "-b", "384"],
        ["-t", "ecdsa", "-b", "521"],
    ])
    func `a key of every type is accepted, with options and in a file of several`(_ type: [String]) throws {
        let made = try OutsideTool("ssh-keygen").run(
            type + ["-q", "-N", "", "-C", "me @ \"home\"", "-f", scratch["id"].string])
        #expect(made.succeeded, "\(made.errors)")
        let line = String(decoding: scratch.read("id.pub"), as: UTF8.self)
        #expect(try isRead(line))
        #expect(problem(line) == nil)
        #expect(problem("no-pty \(line)") == nil)
        let file = "\u{FEFF}# mine\r\n\r\n  \(line)\r\nrestrict \(Self.key)\r\n"
        #expect(problem(file) == nil)
        #expect(AuthorizedKeys.lines(of: file).count == 2)
        #expect(problem(String(decoding: scratch.read("id"), as: UTF8.self))?.contains("private key") == true)
    }

    static let options = [
        "no-pty", "restrict,pty", "NO-PTY,No-Port-Forwarding", "from=\"10.0.0.0/8,!10.0.0.1\"",
        "command=\"echo \\\"hi, you\\\"\"",
        "environment=\"A=b c\",no-user-rc", "permitopen=\"a:1\",permitopen=\"b:2\"",
        "cert-authority,principals=\"a,b\"",
        "expiry-time=\"20301231\"", "verify-required,no-touch-required", "tunnel=\"0\",permitlisten=\"localhost:1\"",
        "X11-forwarding,agent-forwarding,port-forwarding,user-rc", "no-X11-forwarding,no-agent-forwarding",
        "command=\"\"",
    ]

    @Test(arguments: options)
    func `options of sshd are accepted`(_ options: String) throws {
        for blank in [" ", "\t"] {
            let line = options + blank + Self.key
            #expect(try isRead(line))
            #expect(problem(line) == nil)
        }
        // ssh-keygen wants one blank here; sshd skips all (auth2-pubkeyfile.c, auth_check_authkey_line).
        #expect(problem(options + "  " + Self.key) == nil)
    }

    /// What ssh-keygen does not read either.
    @Test(arguments: [
        "", "# only a comment", "ssh-ed25519", "ssh-ed25519 AAAA", "ssh-ed25519 \(blob.dropLast(4)) me",
        "ssh-ed25519 \(blob.dropLast(1)) me", "ssh-rsa \(blob) me", "\(blob) me", "no-pty", "no-pty \(blob)",
        "from=\"10.0.0.1 \(key)", "command=\"a\\\" \(key)", "no-pty, \(blob) x", "-----BEGIN PUBLIC KEY-----",
        "ssh-ed25519 \(blob.replacing("AAAAC3", with: "####")) me", "ssh-dsa \(blob)",
    ])
    func `what ssh-keygen cannot read is refused`(_ text: String) throws {
        #expect(try !isRead(text))
        #expect(problem(text) != nil)
        // One bad line is enough, wherever it is.
        if !text.isEmpty, !text.hasPrefix("#") {
            #expect(problem(Self.key + "\n" + text) != nil)
            #expect(problem(text + "\n" + Self.key) != nil)
        }
    }

    /// ssh-keygen skips over options without a look at them; sshd ignores the key (auth-options.c, sshauthopt_parse).
    @Test(arguments: [
        "no-such-option", "from=10.0.0.1", "no-pty=\"x\"", "command", "from=\"a\"x", "no-pty,,restrict", ",no-pty",
        "environment=\"A=b", "PTY,foo",
    ])
    func `options that sshd ignores a key for are refused`(_ options: String) {
        #expect(problem("\(options) \(Self.key)")?.contains("option") == true)
    }

    @Test func `control characters are refused`() {
        #expect(problem("\(Self.key)\u{1B}[31m")?.contains("control character") == true)
        #expect(problem(Self.key.replacing(" ", with: "\t")) == nil)
    }
}
