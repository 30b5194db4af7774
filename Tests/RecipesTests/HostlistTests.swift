import Recipes
import Testing

@Suite struct HostlistTests {
    @Test(arguments: [
        ("red01", ["red01"]),
        ("red[00-04]", ["red00", "red01", "red02", "red03", "red04"]),
        ("red[00-02,07]", ["red00", "red01", "red02", "red07"]),
        ("pi[8-11]", ["pi8", "pi9", "pi10", "pi11"]),
        ("pi[098-101]", ["pi098", "pi099", "pi100", "pi101"]),
        ("rack[1-2]n[01-02]", ["rack1n01", "rack1n02", "rack2n01", "rack2n02"]),
        ("a,b[1-2]x, c", ["a", "b1x", "b2x", "c"]),
        ("n[5]", ["n5"]),
        ("n[3,1]", ["n3", "n1"]),
    ])
    func `ranges are expanded in their order`(_ list: String, _ names: [String]) throws {
        #expect(try Hostlist.expand(list) == names)
    }

    @Test(arguments: [
        ("red[00-04", "without its"), ("red00]", "without its"), ("red[[1-2]]", "inside brackets"),
        ("red[]", "not a range"), ("red[a-b]", "not a range"), ("red[1-]", "not a range"), ("red[-1]", "not a range"),
        ("red[4-2]", "backwards"), ("red[1-99999]", "more than"), ("a[1-200]b[1-200]", "more than"),
        ("", "names no node"), (",", "names no node"), ("n[1-9999999999]", "not a range"), ("n[1,,2]", "not a range"),
    ])
    func `a mistake is named`(_ list: String, _ gist: String) {
        #expect(throws: Hostlist.Mistake.self) { try Hostlist.expand(list) }
        do throws(Hostlist.Mistake) { _ = try Hostlist.expand(list) } catch { #expect(error.text.contains(gist)) }
    }
}
