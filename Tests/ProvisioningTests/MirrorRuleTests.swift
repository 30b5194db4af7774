import Testing
import Text

@testable import Docker
@testable import Recipes

/// `docker.registry.mirror` is for every version of Docker, `docker.daemon.registry-mirrors` for the image's: the recipe's
/// rule accepts nothing that a version of dockerd refuses, and less than some versions accept.
@Suite struct MirrorRuleTests {
    private func errors(_ mirror: String, _ version: EngineVersion) -> [String] {
        DaemonModel(version: version, service: ServiceFlags(), surroundings: .unknown)
            .errors(in: [.init("registry-mirrors", .array([.string(mirror)]))]).map(\.text)
    }

    @Test(arguments: [
        "http://a", "https://mirror.example.org", "http://192.168.50.2:5000", "http://[fd00::1]:5000",
        "https://a-b.c:65535",
    ])
    func `every version of dockerd accepts a mirror that the recipe's rule accepts`(_ mirror: String) {
        #expect(ValueRule.mirror.problem(with: mirror) == nil)
        for version in EngineVersion.plausible { #expect(errors(mirror, version).isEmpty, "\(version)") }
    }

    @Test(arguments: [
        "a:5000", "ftp://a", "http://", "http://user@host", "http://a/path", "http://a?x=1", "http://a b", "http://a/",
    ])
    func `the recipe's rule refuses a mirror that a version of dockerd refuses`(_ mirror: String) {
        #expect(ValueRule.mirror.problem(with: mirror) != nil)
        #expect(EngineVersion.plausible.contains { !errors(mirror, $0).isEmpty })
    }

    @Test func `a newer dockerd accepts a path, which only docker.daemon can say`() {
        #expect(errors("http://a/path", EngineVersion(29, 7, 2)).isEmpty)
        #expect(ValueRule.mirror.problem(with: "http://a/path") != nil)
    }
}
