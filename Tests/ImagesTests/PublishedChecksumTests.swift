import Foundation
import Images
import SystemPackage
import TestSupport
import Testing

/// Checksum files as sha256sum makes and vendors publish them.
@Suite struct PublishedChecksumTests {
    private let scratch = ScratchDirectory()

    @Test(arguments: [
        "sha256sum a.img >a.img.sha256", "sha256sum -b ./a.img >a.img.sha256sum",
        "sha256sum --tag a.img >a.img.sha256", "sha256sum a.img | cut -d' ' -f1 >a.img.sha256",
        "sha256sum other a.img >SHA256SUMS", "sha256sum a.img | tr a-f A-F >a.img.sha256",
        "sha256sum a.img | sed 's/$/\\r/' >a.img.sha256",
    ])
    func `the checksum beside an image is found`(_ command: String) throws {
        try prepare(command)
        let right = try OutsideTool("sha256sum").run([scratch["a.img"].string]).text.prefix(64)
        #expect(PublishedChecksum.find(for: scratch["a.img"]) == String(right))
    }

    @Test(arguments: [
        "true", "sha256sum other >a.img.sha256", "sha256sum other >SHA256SUMS",
        "sha256sum a.img | cut -d' ' -f1 >SHA256SUMS", "echo no digest >a.img.sha256", "md5sum a.img >a.img.sha256",
        "mkfifo a.img.sha256", "truncate -s 20G a.img.sha256",
    ])
    func `what is not a checksum of the image is none`(_ command: String) throws {
        try prepare(command)
        #expect(PublishedChecksum.find(for: scratch["a.img"]) == nil)
    }

    private func prepare(_ command: String) throws {
        scratch.write("image", to: "a.img")
        scratch.write("another", to: "other")
        let made = try OutsideTool("sh").run(["-c", "cd \"$0\" && \(command)", scratch.path.string])
        #expect(made.succeeded, "\(made.errors)")
    }
}
