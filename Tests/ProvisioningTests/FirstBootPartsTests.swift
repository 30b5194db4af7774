import Testing
import TestSupport

@testable import Provisioning

/// The first-boot program is one text made of parts. A part uses only functions that the parts below it define.
@Suite struct FirstBootPartsTests {
    /// The parts that each part may use, besides itself; "main" may use all.
    private static let layers: [String: Set<String>] = [
        "head": [], "lib": [], "clock": ["lib"], "service": [], "system": ["lib"], "docker": ["lib", "service"],
        "packages": ["lib", "clock", "system"], "kernel": ["lib", "packages"],
        "install": ["lib", "system", "packages"],
        "preload": ["lib", "docker", "install"], "token": ["lib", "clock"],
        "time": ["lib", "clock", "system", "token"], "swarm": ["lib", "token"],
        "stacks": ["lib"], "form": ["lib", "clock", "system", "token", "swarm", "stacks"], "classic": ["lib"],
        "account": [],
        "files": ["lib", "account"], "wipe": ["lib"], "checks": ["lib", "account"],
    ]

    private static func functions(_ text: String) -> Set<String> {
        Set(text.matches(of: #/(?m)^([a-z_]+)\(\) /#).map { String($0.1) })
    }

    /// The words of `text` that are commands; comments and texts in single quotes have none.
    private static func commands(_ text: String) -> Set<String> {
        let openers: Set<Substring> = ["then", "do", "else", "if", "elif", "until", "while", "!"]
        var found: Set<String> = []
        for line in text.split(separator: "\n") where !line.drop(while: { $0 == " " }).hasPrefix("#") {
            let code = line.replacing(#/'[^']*'/#, with: "''").replacing(#/^[a-z_]+\(\) /#, with: "")
            var isCommand = true
            for token in code.matches(of: #/[A-Za-z_][A-Za-z_0-9]*|\S/#).map(\.0) {
                if isCommand { found.insert(String(token)) }
                isCommand = ";&|(){".contains(token) || isCommand && openers.contains(token)
            }
        }
        return found
    }

    @Test func `each part uses only functions of the parts below it`() {
        let parts = FirstBootProgram.parts
        #expect(Set(parts.map(\.name)) == Set(Self.layers.keys).union(["main"]))
        #expect(parts.last?.name == "main")
        var owner: [String: String] = [:]
        for part in parts {
            for function in Self.functions(part.text) {
                #expect(owner.updateValue(part.name, forKey: function) == nil, "\(function) is defined twice")
            }
        }
        #expect(owner.count > 50)
        var called: Set<String> = []
        for (index, part) in parts.enumerated() {
            let below = Self.layers[part.name] ?? Set(parts.map(\.name))
            for function in Self.commands(part.text) {
                guard let place = owner[function] else { continue }
                called.insert(function)
                #expect(place == part.name || below.contains(place), "\(part.name) calls \(function) of \(place)")
            }
            #expect(below.isSubset(of: parts[...index].map(\.name)), "\(part.name) comes before a part that it uses")
        }
        // Only the trap's is named elsewhere.
        #expect(Set(owner.keys).subtracting(called) == ["stop"])
    }

    @Test func `user-data and the program name the same files`() throws {
        let checks = try #require(FirstBootProgram.parts.first { $0.name == "checks" }).text
        #expect(FirstBootProgram.seededPath == "/var/lib/piflash/seeded" && checks.contains("$state/seeded"))
        #expect(checks.contains("$root\(FirstBootProgram.seedEndPath)"))
        #expect(checks.contains("keys=$root\(FirstBootProgram.keysPath)\n"))
        #expect(FirstBootProgram.account.text.contains("mark='\(SSHDConfiguration.mark)'\n"))
        #expect(SeedUnit.program.contains("$root\(FirstBootProgram.seededPath)\""))
        #expect(checks.contains("tries=$boot/\(FirstRunScript.triesPath)\n"))
    }

    @Test func `head gives each setting a default, and no other variable of that kind`() throws {
        let head = try #require(FirstBootProgram.parts.first)
        #expect(head.name == "head")
        let defaults = head.text.prefix(upTo: try #require(head.text.firstRange(of: "# shellcheck source")).lowerBound)
        let names = defaults.matches(of: #/(?m)(?:^| )([A-Z][A-Z_0-9]*)=/#).map { String($0.1) }
        let expected = Set(FirstBootSetting.Name.allCases).subtracting(FirstBootSetting.Name.readElsewhere)
        // LC_ALL is the program's own.
        let environment = ["LC_ALL", "HOME", "USER", "LOGNAME", "SHELL", "PATH"]
        #expect(names.filter { !environment.contains($0) }.sorted() == expected.map(\.rawValue).sorted())
        // No part reads another name.
        let known = Set(FirstBootSetting.Name.allCases.map(\.rawValue)).union(["LC_ALL", "PATH", "HOME"])
        let programs = FirstBootProgram.parts.map(\.text) + [TokenService.program]
        for text in programs {
            for match in text.matches(of: #/\$\{?([A-Z][A-Z_0-9]+)\b/#) where !match.1.hasPrefix("PIFLASH_") {
                #expect(known.contains(String(match.1)) || match.1.hasPrefix("SSH_"), "\(match.1) is not a setting")
            }
        }
    }
}
