import Foundation
import TestSupport
import Testing

@testable import Systems

@Suite struct ELFArchitectureTests {
    static func little(_ value: Int, _ size: Int) -> [UInt8] {
        (0..<size).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
    }

    /// An ELF header of the machine, with nothing else.
    static func header(_ machine: Int, is64Bit: Bool) -> [UInt8] {
        [0x7F, 0x45, 0x4C, 0x46, is64Bit ? 2 : 1, 1, 1] + little(0, 9) + little(2, 2) + little(machine, 2)
            + little(1, 4)
    }

    /// A 32-bit ARM program with these build attributes (tags and values) of the whole file.
    static func arm(_ attributes: [UInt8], vendor: String = "aeabi") -> [UInt8] {
        let scope = [1] + little(attributes.count + 5, 4) + attributes
        let name = Array(vendor.utf8) + [0]
        let section = Array("A".utf8) + little(scope.count + name.count + 4, 4) + name + scope
        var file = header(40, is64Bit: false) + little(0, 8) + little(52 + section.count, 4) + little(0, 4)
        file += little(52, 2) + little(0, 4) + little(40, 2) + little(1, 2) + little(0, 2)
        file += section
        file += little(0, 4) + little(0x7000_0003, 4) + little(0, 8) + little(52, 4) + little(section.count, 4)
        return file + little(0, 16)
    }

    /// What compilers write for Raspbian, Debian's armhf and Debian's armel, down to Tag_ARM_ISA_use.
    static let v6: [UInt8] = [5, 0x36, 0, 6, 6, 8, 1, 9, 1]
    static let v7: [UInt8] = [5, 0x37, 0x2D, 0x41, 0, 6, 10, 7, 0x41, 8, 1]
    static let v5: [UInt8] = [5, 0x35, 0x54, 0x45, 0, 6, 4, 8, 1]

    @Test func `each architecture has its name`() {
        #expect(ELFArchitecture.name(of: Self.arm(Self.v6)) == "armv6")
        #expect(ELFArchitecture.name(of: Self.arm(Self.v7)) == "armv7")
        #expect(ELFArchitecture.name(of: Self.arm(Self.v5)) == "armv5")
        #expect(ELFArchitecture.name(of: Self.header(183, is64Bit: true)) == "arm64")
        #expect(ELFArchitecture.name(of: Self.header(62, is64Bit: true)) == "amd64")
        #expect(ELFArchitecture.name(of: Self.header(8, is64Bit: false)) == nil)
    }

    @Test func `attributes of every form are skipped`() {
        // Compatibility (32) is a number and a text, odd tags above it are texts, numbers may take several bytes.
        let long: [UInt8] = [32, 0x81, 0x01, 0x78, 0, 67, 0x32, 0, 34, 1, 6, 10]
        #expect(ELFArchitecture.name(of: Self.arm(long)) == "armv7")
        #expect(ELFArchitecture.name(of: Self.arm(Self.v6, vendor: "gnu")) == nil)
        #expect(ELFArchitecture.name(of: Self.arm([6, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1])) == nil)
    }

    @Test func `this machine's own programs have its architecture`() throws {
        let machine = try OutsideTool("uname").run(["-m"]).text
        let shell = try [UInt8](Data(contentsOf: URL(fileURLWithPath: "/bin/sh")))
        #expect(ELFArchitecture.name(of: shell) == (machine.hasPrefix("aarch64") ? "arm64" : "amd64"))
    }

    @Test func `a program that is truncated or damaged anywhere has no architecture, and causes no crash`() {
        let whole = Self.arm(Self.v7)
        // The last four fields of the section header are of no interest.
        for length in 0..<whole.count - 16 { #expect(ELFArchitecture.name(of: Array(whole.prefix(length))) == nil) }
        var random = SplitMix64(seed: 7)
        for _ in 0..<5000 {
            var damaged = whole
            for _ in 0..<3 {
                damaged[Int.random(in: 0..<whole.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            _ = ELFArchitecture.name(of: damaged)
        }
        #expect(ELFArchitecture.name(of: Array("#!/bin/sh\nexit 0\n and some more text to be long".utf8)) == nil)
    }
}
