import Foundation
import SystemPackage
import TestSupport
import Testing

/// What a card cannot carry, and what cannot be given to it, is refused with the recipe's line.
@Suite struct CarriedOnCardTests {
    let harness = CommandHarness()
    private var scratch: ScratchDirectory { harness.scratch }

    private static func recipe(_ docker: String) -> String {
        "image: { source: sample.img.zip }\nhostname: red01\nuser: { name: pirate, password: !env PI_PASSWORD }\ndocker: { \(docker) }\n"
    }

    private func sh(_ line: String) throws {
        let result = try OutsideTool("sh").run(["-c", "cd \"$0\" && \(line)", scratch.path.string])
        guard result.succeeded else { throw OutsideTool.Missing(description: "\(line): \(result.errors)") }
    }

    private func makeImages(_ name: String, mebibytes: Int) throws {
        scratch.write(#"{"architecture":"arm64","os":"linux"}"#, to: "i/c.json")
        scratch.write(#"[{"Config":"c.json","RepoTags":["web:1"],"Layers":["layer.tar"]}]"#, to: "i/manifest.json")
        try sh("head -c \(mebibytes)M /dev/urandom >i/layer.tar && tar -cf \(name) -C i manifest.json c.json layer.tar")
    }

    @Test func `images that do not fit the root partition are refused with both sizes`() async throws {
        try harness.prepare(.bookworm, recipe: Self.recipe("preload: [small.tar, large.tar]"))
        try makeImages("small.tar", mebibytes: 1)
        try makeImages("large.tar", mebibytes: 40)
        let outcome = await harness.run("write", "-r", "red01.yaml", "--yes", "card.img")
        #expect(outcome.status == 2)
        #expect(outcome.errors.contains("red01.yaml:4:"))
        #expect(outcome.errors.contains("have 41 MiB: too much for the image, its root partition has "))
        #expect((try? scratch["card.img"].stat()) == nil)
        scratch.write(Self.recipe("preload: [small.tar]"), to: "red01.yaml")
        #expect(await harness.run("write", "-r", "red01.yaml", "--yes", "card.img").status == 0)
        scratch.write(Self.recipe("preload: [large.tar]"), to: "red01.yaml")
        let later = await harness.run("configure", "-r", "red01.yaml", "card.img")
        #expect(later.status == 2 && later.errors.contains("too much"))
        scratch.write(Self.recipe("install: none"), to: "red01.yaml")
        let dropped = await harness.run("configure", "-r", "red01.yaml", "card.img")
        #expect(dropped.status == 0, "\(dropped.errors)")
        #expect(dropped.output.contains("-small.tar  (root partition)"))
    }

    @Test(arguments: ["preload: [small.tar]", "packages: [docker.deb]", "remote: tls"])
    func `a mounted boot directory takes none of it`(_ docker: String) async throws {
        try harness.prepare(.bookworm, recipe: Self.recipe(docker))
        try makeImages("small.tar", mebibytes: 1)
        try sh(
            """
            mkdir -p tree/DEBIAN && printf 'Package: docker.io\\nVersion: 1\\nArchitecture: arm64\\nMaintainer: x\\nDescription: x\\n' \
                >tree/DEBIAN/control && dpkg-deb --root-owner-group -b tree docker.deb >/dev/null
            mkdir boot && MTOOLS_SKIP_CHECK=1 mcopy -s -i sample.img@@4M :: boot
            """)
        let outcome = await harness.run("configure", "-r", "red01.yaml", "boot")
        #expect(outcome.status == 2)
        #expect(outcome.errors.contains("red01.yaml:4:"))
        #expect(outcome.errors.contains("name the card or the image file, not a mounted directory"))
        #expect(!FileManager.default.fileExists(atPath: scratch[".piflash/tls"].string))
    }

    @Test func `files that are not what they should be are named one and all`() async throws {
        try harness.prepare(.bookworm, recipe: Self.recipe("packages: [text], preload: [text]"))
        scratch.write("no package", to: "text")
        let outcome = await harness.run("render", "-r", "red01.yaml")
        #expect(outcome.status == 2)
        #expect(outcome.errors.contains("docker.packages: ") && outcome.errors.contains("docker.preload: "))
        let check = await harness.run("check", "red01.yaml")
        #expect(
            check.status == 2 && check.errors.contains("docker.packages: ") && check.errors.contains("docker.preload: ")
        )
        #expect(await harness.run("check", "--no-image", "red01.yaml").status == 0)
    }

    @Test func `a rack's contexts are those of the nodes that are reached`() async throws {
        try harness.prepare(.bookworm, recipe: Self.recipe("remote: ssh"))
        scratch.write(Self.recipe("install: auto").replacing("red01", with: "red02"), to: "red02.yaml")
        let outcome = await harness.run("context", ".")
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.output == "docker context import red01 \(scratch[".piflash/contexts/red01.dockercontext"])\n")
        #expect(!FileManager.default.fileExists(atPath: scratch[".piflash/tls"].string))
        let none = await harness.run("context", "red02.yaml")
        #expect(none.status == 2)
        #expect(none.errors.contains("write docker.remote: ssh, or tls"))
    }
}
