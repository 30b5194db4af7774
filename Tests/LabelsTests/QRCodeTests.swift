import Labels
import SystemPackage
import TestSupport
import Testing

/// What zbar, which knows nothing of our encoder, reads in the codes.
@Suite struct QRCodeTests {
    let scratch = ScratchDirectory()

    /// What each file's code says, in the files' order.
    private func read(_ names: [String]) throws -> [String] {
        try names.map { name in
            let result = try OutsideTool("zbarimg").run(["-q", "--raw", "--oneshot", "-Sbinary", scratch[name].string])
            return result.succeeded ? result.text : "unreadable: \(result.errors)"
        }
    }

    private func text(_ length: Int) -> String {
        var random = SplitMix64(seed: UInt64(length))
        let letters = Array("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._:/@%")
        return String((0..<length).map { _ in letters[Int(random.next() % UInt64(letters.count))] })
    }

    /// Each version's fullest code, and its emptiest.
    @Test func `zbar reads every version at both of its ends`() throws {
        // ISO/IEC 18004, table 7: bytes at level M.
        let table = [14, 26, 42, 62, 84, 106, 122, 152, 180, 213, 251, 287, 331, 362, 412, 450, 504, 560, 624, 666]
        for (index, limit) in table.enumerated() {
            for (length, version) in [(limit, index + 1), (limit + 1, index + 2)] {
                let code = try #require(QRCode(text(length)))
                #expect(code.version == version, "\(length) bytes")
                scratch.write(code.bitmap(scale: 4), to: "code.pbm")
                #expect(try read(["code.pbm"]) == [text(length)], "\(length) bytes")
            }
        }
    }

    @Test func `zbar reads the lengths that addresses have`() throws {
        for length in 0...90 where length % 3 == 1 {
            let code = try #require(QRCode(text(length)))
            scratch.write(code.bitmap(scale: 3), to: "code.pbm")
            #expect(try read(["code.pbm"]) == [text(length)], "\(length) bytes")
        }
    }

    @Test func `zbar reads every mask`() throws {
        for mask in 0..<8 {
            for length in [20, 200] {
                let code = try #require(QRCode(Array(text(length).utf8), mask: mask))
                scratch.write(code.bitmap(scale: 4), to: "code.pbm")
                #expect(try read(["code.pbm"]) == [text(length)], "mask \(mask), \(length) bytes")
            }
        }
    }

    @Test func `the largest code holds 2331 bytes, and no more is taken`() throws {
        let code = try #require(QRCode(text(2331)))
        #expect(code.version == 40)
        scratch.write(code.bitmap(scale: 4), to: "code.pbm")
        #expect(try read(["code.pbm"]) == [text(2331)])
        #expect(QRCode(text(2332)) == nil)
    }

    @Test func `the SVG, drawn by librsvg, reads the same`() throws {
        for length in [1, 15, 40, 100] {
            let code = try #require(QRCode(text(length)))
            scratch.write(code.svg, to: "code.svg")
            let drawn = try OutsideTool("rsvg-convert").run([
                "-w", "400", "-o", scratch["code.png"].string, scratch["code.svg"].string,
            ])
            #expect(drawn.succeeded, "\(drawn.errors)")
            #expect(try read(["code.png"]) == [text(length)], "\(length) bytes")
        }
    }

    @Test func `a code with a seventh of its modules lost is still read`() throws {
        let wanted = text(60)
        var bytes = try #require(QRCode(wanted)).bitmap(scale: 8)
        // A blot over the data, between the finders.
        let code = try #require(QRCode(wanted))
        let side = (code.size + 8) * 8
        let head = bytes.count - side * (side / 8)
        for row in 14..<20 {
            for y in 0..<8 { for x in 16..<22 { bytes[head + (row * 8 + y) * (side / 8) + x] = 0xFF } }
        }
        scratch.write(bytes, to: "code.pbm")
        #expect(try read(["code.pbm"]) == [wanted])
    }
}
