import Diagnostics
import Foundation
import Recipes
import Synchronization
import SystemPackage
import TestSupport
import Testing

/// `!command` runs a program of the user's, as the user has it.
@Suite struct SecretProgramTests {
    private let scratch = ScratchDirectory()

    private func secret(_ words: [String]) -> Secret {
        Secret(.command(words), at: Location(file: "r.yaml", line: 1, column: 1), path: "user.password")
    }

    @Test func `a line says which program is asked for which key, before it runs, and never what it answers`()
        async throws
    {
        let said = Mutex<[String]>([])
        let reader = SecretReader(
            environment: [:],
            announce: { line in
                said.withLock { $0.append(line) }
                #expect(!FileManager.default.fileExists(atPath: scratch["ran"].string))
            }
        ) { _ in nil }
        let words = ["sh", "-c", "touch '\(scratch["ran"])'; echo s3same"]
        let value = try await reader.read(secret(words))
        #expect(value == .value("s3same") && FileManager.default.fileExists(atPath: scratch["ran"].string))
        // Once, as the program runs once.
        _ = try await reader.read(secret(words))
        #expect(said.withLock { $0 }.count == 1)
        #expect(
            said.withLock { $0 }[0].hasPrefix("asks `sh -c 'touch ")
                && said.withLock { $0 }[0].hasSuffix("` for user.password"))
        #expect(secret(["pass", "show", "wifi/my lab"]).command == "pass show 'wifi/my lab'")
    }
}
