import Recipes
import Testing

/// `network.proxy`, and what follows from it.
@Suite struct NetworkProxyTests {
    private func node(_ text: String) throws -> Node { try RecipeHarness.with(text).load().node }

    @Test func `https follows from http, and dockerd's proxies from the network's`() throws {
        let node = try node("network: { proxy: { http: \"http://p:3128\", no_proxy: [.lan] } }\n")
        #expect(node.network.proxy?.http?.value == "http://p:3128")
        #expect(node.network.proxy?.https?.value == "http://p:3128")
        #expect(node.network.proxy?.noProxy.map(\.value) == [".lan"])
        #expect(node.docker.proxy == node.network.proxy)
        // It does not ask for Docker by itself.
        #expect(!node.usesDocker)
    }

    @Test func `each may be named alone`() throws {
        let both = try node(
            "network: { proxy: { http: \"http://p:1\", https: \"http://q:2\" } }\ndocker: { proxy: { http: \"http://d:3\" } }\n"
        )
        #expect(both.network.proxy?.https?.value == "http://q:2")
        #expect(both.docker.proxy?.http?.value == "http://d:3" && both.docker.proxy?.https == nil)
        let docker = try node("docker: { proxy: { http: \"http://d:3\" } }\n")
        #expect(docker.network.proxy == nil)
        let secure = try node("network: { proxy: { https: \"http://q:2\" } }\n")
        #expect(secure.network.proxy?.http == nil)
    }

    @Test func `the archive of old releases is off until a recipe wants it`() throws {
        #expect(try node("").firstBoot.legacyArchive == nil)
        #expect(try node("first_boot: { legacy_archive: true }\n").firstBoot.legacyArchive?.value == true)
        #expect(try node("first_boot: { legacy_archive: no }\n").firstBoot.legacyArchive?.value == false)
    }
}
