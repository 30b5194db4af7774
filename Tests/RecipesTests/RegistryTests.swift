import Diagnostics
import Foundation
import Testing
import TestSupport

@testable import Recipes

/// Countries, time zones, locales and keyboards: the lists against this machine's packages, and what is said of a value that
/// is not in them.
@Suite struct RegistryTests {
    /// What Debian's tzdata, locales, xkb-data and wireless-regdb have on this machine, read by another program.
    private static func words(_ program: String) throws -> Set<String> {
        let result = try OutsideTool("env").run(["/usr/bin/python3", "-c", program])
        #expect(result.succeeded, "\(result.errors)")
        return Set(result.text.split(separator: "\n").map(String.init))
    }

    @Test func `every time zone of this machine is in the list`() throws {
        let names = try Self.words(
            """
            import os
            for path, folders, files in os.walk("/usr/share/zoneinfo"):
                for name in files:
                    name = os.path.relpath(os.path.join(path, name), "/usr/share/zoneinfo")
                    if name[0].isupper() and "." not in name: print(name)
            """)
        #expect(names.count > 400)
        #expect(names.subtracting(KnownTimeZones.list.names) == [])
        #expect(TimeZoneNames.target(of: "US/Pacific") == "America/Los_Angeles")
    }

    @Test func `every locale of this machine is in the list, with its character set`() throws {
        let lines = try Self.words("print(open('/usr/share/i18n/SUPPORTED').read().strip())")
        #expect(lines.count > 400)
        for line in lines {
            let words = line.split(separator: " ").map(String.init)
            #expect(LocaleNames.characterSet(of: words[0]) == words[1])
        }
    }

    @Test func `every keyboard of this machine is in the list`() throws {
        let names = try Self.words(
            """
            section = ""
            for line in open("/usr/share/X11/xkb/rules/base.lst"):
                words = line.split()
                if line.startswith("!"): section = words[1]
                elif words and section == "layout" and words[0] != "custom": print(words[0])
                elif words and section == "variant": print("%s(%s)" % (words[1].rstrip(":"), words[0]))
            """)
        #expect(names.count > 400)
        #expect(names.subtracting(KnownKeyboards.list.names) == [])
    }

    @Test func `every country of the kernel's database is in the list`() throws {
        let names = try Self.words(
            """
            import os
            path = next(p for p in ("/lib/firmware/regulatory.db", "/lib/firmware/regulatory.db-debian") if os.path.exists(p))
            data, place = open(path, "rb").read(), 8
            while data[place:place + 2] != b"\\0\\0":
                if data[place:place + 2].isalpha(): print(data[place:place + 2].decode())
                place += 4
            """)
        #expect(names.count > 150)
        #expect(names.subtracting(KnownCountries.list.names) == [])
    }

    @Test(arguments: [
        ("wifi: { country: UK, networks: [] }", "\"UK\" is not a valid country (did you mean GB?)"),
        ("wifi: { country: de, networks: [] }", "(did you mean DE?)"),
        ("wifi: { country: GER, networks: [] }", "(did you mean DE?)"),
        ("wifi: { country: EU, networks: [] }", "is not a country: write the one in which the node is"),
        ("wifi: { country: XX, networks: [] }", "not a country of the regulatory database"),
        ("locale: { keyboard: uk }", "(did you mean gb?)"), ("locale: { keyboard: en }", "(did you mean gb?)"),
        ("locale: { keyboard: DE }", "(did you mean de?)"),
        ("locale: { keyboard: de-nodeadkeys }", "(did you mean de(nodeadkeys)?)"),
        ("locale: { keyboard: de nodeadkeys }", "(did you mean de(nodeadkeys)?)"),
        ("locale: { keyboard: \"de(nodeadkey)\" }", "(did you mean de(nodeadkeys)?)"),
        ("locale: { keyboard: latm }", "(did you mean latam?)"), ("locale: { keyboard: xx }", "not a keyboard layout"),
        ("locale: { timezone: Europe/Berln }", "(did you mean Europe/Berlin?)"),
        ("locale: { timezone: europe/berlin }", "(did you mean Europe/Berlin?)"),
        ("locale: { timezone: Berlin }", "(did you mean Europe/Berlin?)"),
        ("locale: { timezone: America/New York }", "(did you mean America/New_York?)"),
        ("locale: { timezone: Europe/Calcutta }", "(did you mean Asia/Calcutta?)"),
        ("locale: { lang: de_DE.utf8 }", "(did you mean de_DE.UTF-8?)"),
        ("locale: { lang: de-DE }", "(did you mean de_DE.UTF-8?)"),
        ("locale: { lang: de }", "(did you mean de_DE.UTF-8?)"),
        ("locale: { lang: en_UK.UTF-8 }", "(did you mean en_"), ("locale: { lang: de_DF.UTF-8 }", "(did you mean de_"),
        ("locale: { lang: ja }", "(did you mean ja_JP.UTF-8?)"),
    ])
    func `a value that nothing knows is refused with the one that is meant`(_ rest: String, _ part: String) {
        let errors = RecipeHarness.with(rest + "\n").errors()
        #expect(errors.count == 1 && errors[0].contains(part), "\(errors)")
    }

    @Test(arguments: [
        ("locale: { timezone: Mars/Olympus_Mons }", "does not know the time zone"),
        ("locale: { lang: xx_YY.UTF-8 }", "does not know the locale"),
        ("locale: { lang: de_DE }", "character set ISO-8859-1; de_DE.UTF-8 is the usual one"),
    ])
    func `a name like no other is warned of, since the image may have it`(_ rest: String, _ part: String) throws {
        let warnings = try RecipeHarness.with(rest + "\n").load().warnings
        #expect(warnings.count == 1 && warnings[0].text.contains(part), "\(warnings)")
    }

    @Test(arguments: ["US/Pacific", "GMT", "Etc/GMT+5", "Europe/Kyiv", "Europe/Kiev", "America/Argentina/Ushuaia"])
    func `other names of zones are accepted`(_ name: String) throws {
        #expect(try RecipeHarness.with("locale: { timezone: \(name) }\n").load().warnings.isEmpty)
    }
}
