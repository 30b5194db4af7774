import Foundation
import SystemPackage
import TestSupport
import Testing

/// Images that nothing vouches for are named once, with their digest, and `image info --pin` writes it into the recipe.
@Suite struct ImagePinningTests {
    let harness = CommandHarness()

    private static let rest = "user: { name: pirate, password: !env PI_PASSWORD }"

    private func digest() throws -> String {
        String(try OutsideTool("sha256sum").run([harness.scratch["sample.img.zip"].string]).text.prefix(64))
    }

    @Test(arguments: [
        ("image: { source: sample.img.zip }  # ours", "image: { source: sample.img.zip, sha256: X }  # ours"),
        ("image: {source: \"sample.img.zip\"}", "image: {source: \"sample.img.zip\", sha256: X}"),
        (
            "image:\n  # the school's\n  source: sample.img.zip  # of 2019\n",
            "image:\n  # the school's\n  source: sample.img.zip  # of 2019\n  sha256: X\n"
        ),
        ("image:\n    source: 'sample.img.zip'", "image:\n    source: 'sample.img.zip'\n    sha256: X"),
        ("image: {\n  source: sample.img.zip\n}", "image: {\n  source: sample.img.zip, sha256: X\n}"),
    ])
    func `a pin is written where the image is named, and nothing else changes`(_ old: String, _ new: String)
        async throws
    {
        let recipe = { (image: String) in "# a rack\n\(image)\nhostname: red01\n\(Self.rest)\n" }
        try harness.prepare(recipe: recipe(old))
        #expect(chmod(harness.scratch["red01.yaml"].string, 0o640) == 0)
        let outcome = await harness.run("image", "info", "--pin", "red01.yaml")
        let digest = try digest()
        guard !old.hasPrefix("image: {\n") else {
            // A key of a flow mapping that is on a line of its own.
            #expect(outcome.status == 1 && outcome.errors.contains("sha256: \(digest)"), "\(outcome.errors)")
            #expect(String(decoding: harness.scratch.read("red01.yaml"), as: UTF8.self) == recipe(old))
            return
        }
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.output.contains("red01.yaml: sha256: \(digest)"))
        #expect(
            String(decoding: harness.scratch.read("red01.yaml"), as: UTF8.self)
                == recipe(new.replacing("X", with: digest)))
        #expect(try harness.scratch["red01.yaml"].stat().permissions.rawValue & 0o777 == 0o640)
        let again = await harness.run("image", "info", "--pin", "red01.yaml")
        #expect(again.status == 0 && again.output == "red01.yaml: every image has its sha256\n")
        #expect(await harness.run("check", "red01.yaml").status == 0)
    }

    @Test func `a rack's shared recipe is pinned once, in its own file`() async throws {
        try harness.prepare(recipe: "")
        try FileManager.default.removeItem(atPath: harness.scratch["red01.yaml"].string)
        harness.scratch.write("image: { source: ../sample.img.zip }\n\(Self.rest)\n", to: "red/shared.yaml")
        for name in ["red01", "red02"] {
            harness.scratch.write("extends: shared.yaml\nhostname: \(name)\n", to: "red/\(name).yaml")
        }
        #expect(await harness.run("image", "info", "--pin", "red").status == 0)
        let digest = try digest()
        #expect(
            String(decoding: harness.scratch.read("red/shared.yaml"), as: UTF8.self)
                == "image: { source: ../sample.img.zip, sha256: \(digest) }\n\(Self.rest)\n")
        #expect(
            String(decoding: harness.scratch.read("red/red01.yaml"), as: UTF8.self)
                == "extends: shared.yaml\nhostname: red01\n")
    }

    @Test func `an image without a checksum is named once, with its digest`() async throws {
        try harness.prepare(recipe: BatchCommandTests.recipe(2))
        let digest = try digest()
        for arguments in [
            ["plan", "red01.yaml"], ["write", "--recipe", "red01.yaml", "--node", "red01", "--yes", "a.img"],
        ] {
            let outcome = await harness.run(list: arguments)
            #expect(outcome.status == 0, "\(outcome.errors)")
            let lines = outcome.errors.split(separator: "\n").filter {
                $0.contains("which SHA-256 this file should have")
            }
            #expect(lines.count == 1, "\(outcome.errors)")
            #expect(lines.first?.contains(digest) == true && lines.first?.contains("image info --pin") == true)
        }
        harness.scratch.write("\(digest)  sample.img.zip\n", to: "sample.img.zip.sha256")
        let vouched = await harness.run("plan", "red01.yaml")
        #expect(vouched.status == 0 && !vouched.errors.contains("which SHA-256"))
        harness.scratch.write("\(String(repeating: "0", count: 64))  sample.img.zip\n", to: "sample.img.zip.sha256")
        let wrong = await harness.run("plan", "red01.yaml")
        #expect(wrong.status == 1 && wrong.errors.contains("has the SHA-256 \(digest), not 0000"), "\(wrong.errors)")
    }
}
