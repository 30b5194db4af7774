import Cards
import Diagnostics
import Foundation
import SystemPackage
import Testing
import TestSupport

@Suite struct CardTargetPathTests {
    private func code(_ path: FilePath) -> Failure.Code? {
        do throws(Failure) {
            _ = try CardTargetPath(path)
            return nil
        } catch { return error.code }
    }

    @Test(arguments: [
        "/dev/sdzz", "/dev/card.img", "/dev/shm/card.img", "/dev/null", "/dev/nowhere/card.img", "/proc/card.img",
        "/sys/card.img", "/tmp/../dev/card.img", "/dev",
    ])
    func `nothing under /dev, /proc or /sys becomes a file`(path: String) {
        #expect(code(FilePath(path)) == .noSuchDevice)
    }

    @Test func `a mistyped device is reported as such`() {
        let failure = #expect(throws: Failure.self) { try CardTargetPath("/dev/sdzz") }
        #expect(failure?.message == "there is no device /dev/sdzz")
        #expect(failure?.severity == .refused)
    }

    @Test func `an image file under /dev is refused for what it is`() {
        for path in ["/dev/sdb.img", "/dev/shm/card.img"] {
            let failure = #expect(throws: Failure.self) { try CardTargetPath(FilePath(path)) }
            #expect(
                failure?.message
                    == "there is no device \(path), and piflash makes no image file under /dev, /proc or /sys")
            #expect(failure?.hint?.hasPrefix("name an image file in another directory") == true)
        }
    }

    @Test func `a link into /dev does not hide where it leads`() throws {
        let scratch = ScratchDirectory()
        try FileManager.default.createSymbolicLink(
            atPath: scratch["shm"].string, withDestinationPath: "/dev/shm")
        #expect(code(scratch["shm"].appending("card.img")) == .noSuchDevice)
    }

    @Test func `a name that ends in .img is a file, new or old`() throws {
        let scratch = ScratchDirectory()
        let real = FilePath(try #require(realPath(scratch.path.string)))
        #expect(try CardTargetPath(scratch["new.img"]) == .file(real.appending("new.img")))
        scratch.write("x", to: "Old.IMG")
        #expect(try CardTargetPath(scratch["Old.IMG"]) == .file(real.appending("Old.IMG")))
    }

    @Test func `anything else is refused, with a name that would do`() throws {
        let scratch = ScratchDirectory()
        scratch.write("precious", to: "thesis.odt")
        scratch.write("x", to: "folder.img/x")
        for name in ["thesis.odt", "new", ".img", "folder.img", "nowhere/new.img"] {
            #expect(code(scratch[name]) == .notATarget, "\(name)")
        }
        let failure = #expect(throws: Failure.self) { try CardTargetPath(scratch["red01"]) }
        #expect(failure?.hint?.contains("red01.img") == true)
    }

    @Test func `a link named .img does not let another file be overwritten`() throws {
        let scratch = ScratchDirectory()
        let precious = scratch.write("precious", to: "thesis.odt")
        try FileManager.default.createSymbolicLink(
            atPath: scratch["link.img"].string, withDestinationPath: precious.string)
        #expect(code(scratch["link.img"]) == .notATarget)
        try FileManager.default.createSymbolicLink(
            atPath: scratch["dangling.img"].string, withDestinationPath: "/dev/sdzz")
        #expect(code(scratch["dangling.img"]) == .notATarget)
    }

    private func realPath(_ path: String) -> String? {
        URL(fileURLWithPath: path).resolvingSymlinksInPath().path
    }
}
