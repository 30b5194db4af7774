import Foundation
import SystemPackage
import TestSupport
import Testing

/// What a contributor installs.
@Suite struct PackageListTests {
    private static func packages(_ purpose: String, environment: [String: String] = [:]) throws -> [String] {
        let result = try OutsideTool(Workshop.root.appending("scripts").appending("bootstrap").string)
            .run([purpose, "--list"], environment: environment)
        #expect(result.succeeded, "\(result.errors)")
        return result.text.split(separator: "\n").map(String.init)
    }

    @Test(arguments: ["build", "test", "lint", "fresh", "print", "bench", "e2e", "boots", "faults"])
    func `CONTRIBUTING names every package that is installed`(_ purpose: String) throws {
        let text = try String(
            contentsOfFile: Workshop.root.appending("CONTRIBUTING.md").string, encoding: .utf8)
        let architectures = purpose == "e2e" ? ["amd64", "arm64", "armhf"] : [""]
        for architecture in architectures {
            let packages = try Self.packages(
                purpose, environment: architecture.isEmpty ? [:] : ["ARCH": architecture])
            #expect(!packages.isEmpty)
            for package in packages { #expect(text.contains("`\(package)`"), "\(package)") }
        }
    }
}
