import Diagnostics
@testable import Planning
import Foundation
import Provisioning
import SystemPackage
import TestSupport
import Testing

/// Debian packages and saved images, read by us and by the programs that made them.
@Suite struct CarriedFileTests {
    let scratch = ScratchDirectory()

    private func bytes(_ name: String) -> [UInt8] { scratch.read(name) }

    @discardableResult
    private func sh(_ line: String) throws -> String {
        let result = try OutsideTool("sh").run(["-c", "cd \"$0\" && \(line)", scratch.path.string])
        guard result.succeeded else { throw OutsideTool.Missing(description: "\(line): \(result.errors)") }
        return result.text
    }

    // MARK: Debian packages

    private static let control = """
        Package: docker-ce
        Version: 5:28.5.2-1~raspbian.12~bookworm
        Architecture: armhf
        Maintainer: nobody <nobody@example.org>
        Pre-Depends: init-system-helpers (>= 1.54~)
        Depends: containerd.io (>= 1.7.27), docker-ce-cli:any | moby-cli,
         iptables
        Description: an engine
         Package: not this one

        """

    @Test(arguments: ["xz", "gzip", "zstd", "none"])
    func `a package says what dpkg-deb says`(_ packing: String) throws {
        scratch.write(Self.control, to: "tree/DEBIAN/control")
        scratch.write("#!/bin/sh\n", to: "tree/usr/bin/dockerd")
        try sh("dpkg-deb --root-owner-group --uniform-compression -Z\(packing) -b tree docker.deb")
        let package = try DebianPackage(bytes("docker.deb"), file: "docker.deb")
        let fields = try sh("dpkg-deb -f docker.deb Package Version Architecture").split(separator: "\n")
        #expect(fields.count == 3)
        #expect(fields.contains("Package: \(package.name)"))
        #expect(fields.contains("Version: \(package.version)"))
        #expect(fields.contains("Architecture: \(package.architecture)"))
        #expect(package.depends == ["init-system-helpers", "containerd.io", "docker-ce-cli", "iptables"])
    }

    @Test func `a file that is not a complete package is refused`() throws {
        scratch.write(Self.control, to: "tree/DEBIAN/control")
        try sh("dpkg-deb --root-owner-group -b tree docker.deb && ar rc other.a tree/DEBIAN/control")
        let whole = bytes("docker.deb")
        for wrong in [
            [], Array("#!/bin/sh\n".utf8), bytes("other.a"), Array(whole.prefix(100)), Array(whole.prefix(200)),
        ] {
            let failure = #expect(throws: Failure.self) { try DebianPackage(wrong, file: "docker.deb") }
            #expect(failure?.message.contains("docker.deb") == true)
        }
    }

    // MARK: Saved images

    private func archive(_ manifest: String, _ files: [String: String]) throws -> [UInt8] {
        try sh("rm -rf image && mkdir image")
        for (name, text) in files { scratch.write(text, to: "image/\(name)") }
        scratch.write(manifest, to: "image/manifest.json")
        // The manifest comes last, after the files that it names.
        try sh("tar -cf image.tar -C image \(files.keys.sorted().joined(separator: " ")) manifest.json")
        return bytes("image.tar")
    }

    @Test func `the images of an archive are listed, packed or not`() throws {
        let contents = try archive(
            #"[{"Config":"abc.json","RepoTags":["web:1","web:latest"],"Layers":["l/layer.tar"]},{"Config":"blobs/sha256/def","RepoTags":null,"Layers":[]}]"#,
            [
                "abc.json": #"{"architecture":"arm","variant":"v7","os":"linux"}"#, "l/layer.tar": "layer",
                "blobs/sha256/def": #"{"architecture":"arm64","os":"linux"}"#,
            ])
        let expected = [
            SavedImage(tags: ["web:1", "web:latest"], architecture: "arm", variant: "v7"),
            SavedImage(tags: [], architecture: "arm64"),
        ]
        #expect(try SavedImage.list(contents, file: "image.tar") == expected)
        #expect(expected[0].platform == "arm/v7")
        try sh("gzip -k image.tar")
        #expect(try SavedImage.list(bytes("image.tar.gz"), file: "image.tar.gz") == expected)
    }

    @Test func `what docker save did not write is refused`() throws {
        try sh("mkdir root && echo x >root/file && tar -cf export.tar -C root file")
        let export = #expect(throws: Failure.self) { try SavedImage.list(self.bytes("export.tar"), file: "export.tar") }
        #expect(export?.hint?.contains("docker save") == true)
        for (manifest, files) in [
            ("[]", [:]), ("{", [:]), (#"[{"Config":"gone.json"}]"#, [:]), (#"[{"Config":"c.json"}]"#, ["c.json": "{}"]),
        ] as [(String, [String: String])] {
            let contents = try archive(manifest, files)
            #expect(throws: Failure.self) { try SavedImage.list(contents, file: "image.tar") }
        }
        for wrong in [[], Array("text".utf8), Array(try archive("[]", [:]).prefix(700))] {
            #expect(throws: Failure.self) { try SavedImage.list(wrong, file: "image.tar") }
        }
    }

    @Test func `reading an archive that unpacks to much can be stopped`() throws {
        // 512 MiB in some KB.
        try sh("mkdir big && truncate -s 512M big/layer.tar && tar -cf - -C big layer.tar | gzip >big.tar.gz")
        var asked = 0
        let failure = #expect(throws: Failure.self) {
            try SavedImage.list(
                bytes("big.tar.gz"), file: "big.tar.gz",
                isCancelled: {
                    asked += 1
                    return asked > 2
                })
        }
        #expect(failure?.code == .cancelled)
        #expect(asked == 3)
    }
}
