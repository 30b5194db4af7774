// Written by scripts/registries on 2026-11-27; do not edit.

/// Keyboard layouts of XKB, "layout", and their variants, "layout(variant)".
///
/// From Debian's xkb-data 2.35.1-1, 2.42-1.
package enum KnownKeyboards {
    package static let list = WordList(
        """
        af af(fa-olpc) af(ps) af(ps-olpc) af(uz) af(uz-olpc) al al(plisi) al(veqilharxhi) am am(eastern)
        am(eastern-alt) am(phonetic) am(phonetic-alt) am(western) ara ara(azerty) ara(azerty_digits)
        ara(buckwalter) ara(digits) ara(mac) ara(mac-phonetic) ara(olpc) ara(qwerty) ara(qwerty_digits) at
        at(mac) at(nodeadkeys) au az az(cyrillic) ba ba(alternatequotes) ba(unicode) ba(unicodeus) ba(us) bd
        bd(probhat) be be(iso-alternate) be(nodeadkeys) be(oss) be(oss_latin9) be(wang) bg bg(bas_phonetic)
        bg(bekl) bg(phonetic) br br(dvorak) br(nativo) br(nativo-epo) br(nativo-us) br(nodeadkeys) br(rus)
        br(thinkpad) brai brai(left_hand) brai(left_hand_invert) brai(right_hand) brai(right_hand_invert) bt
        bw by by(intl) by(latin) by(legacy) by(phonetic) by(ru) ca ca(eng) ca(fr-dvorak) ca(fr-legacy) ca(ike)
        ca(multi) ca(multi-2gr) ca(multix) cd ch ch(de_mac) ch(de_nodeadkeys) ch(fr) ch(fr_mac)
        ch(fr_nodeadkeys) ch(legacy) cm cm(azerty) cm(dvorak) cm(french) cm(mmuock) cm(qwerty) cn
        cn(altgr-pinyin) cn(mon_manchu_galik) cn(mon_todo_galik) cn(mon_trad) cn(mon_trad_galik)
        cn(mon_trad_manchu) cn(mon_trad_todo) cn(mon_trad_xibe) cn(tib) cn(tib_asciinum) cn(ug) cz cz(bksl)
        cz(dvorak-ucw) cz(qwerty) cz(qwerty-mac) cz(qwerty_bksl) cz(rus) cz(ucw) cz(winkeys)
        cz(winkeys-qwerty) de de(T3) de(deadacute) de(deadgraveacute) de(deadtilde) de(dsb) de(dsb_qwertz)
        de(dvorak) de(e1) de(e2) de(mac) de(mac_nodeadkeys) de(neo) de(nodeadkeys) de(qwerty) de(ro)
        de(ro_nodeadkeys) de(ru) de(tr) de(us) dk dk(dvorak) dk(mac) dk(mac_nodeadkeys) dk(nodeadkeys)
        dk(winkeys) dz dz(ar) dz(azerty-deadkeys) dz(ber) dz(qwerty-gb-deadkeys) dz(qwerty-us-deadkeys) ee
        ee(dvorak) ee(nodeadkeys) ee(us) eg epo epo(legacy) es es(ast) es(cat) es(deadtilde) es(dvorak)
        es(mac) es(nodeadkeys) es(winkeys) et fi fi(classic) fi(mac) fi(nodeadkeys) fi(smi) fi(winkeys) fo
        fo(nodeadkeys) fr fr(afnor) fr(azerty) fr(bepo) fr(bepo_afnor) fr(bepo_latin9) fr(bre) fr(dvorak)
        fr(ergol) fr(ergol_iso) fr(geo) fr(latin9) fr(latin9_nodeadkeys) fr(mac) fr(nodeadkeys) fr(oci)
        fr(oss) fr(oss_latin9) fr(oss_nodeadkeys) fr(us) gb gb(colemak) gb(colemak_dh) gb(dvorak)
        gb(dvorakukp) gb(extd) gb(gla) gb(intl) gb(mac) gb(mac_intl) gb(pl) ge ge(ergonomic) ge(mess) ge(os)
        ge(ru) gh gh(akan) gh(avn) gh(ewe) gh(fula) gh(ga) gh(generic) gh(gillbt) gh(hausa) gn gr gr(extended)
        gr(nodeadkeys) gr(polytonic) gr(simple) hr hr(alternatequotes) hr(unicode) hr(unicodeus) hr(us) hu
        hu(101_qwerty_comma_dead) hu(101_qwerty_comma_nodead) hu(101_qwerty_dot_dead)
        hu(101_qwerty_dot_nodead) hu(101_qwertz_comma_dead) hu(101_qwertz_comma_nodead)
        hu(101_qwertz_dot_dead) hu(101_qwertz_dot_nodead) hu(102_qwerty_comma_dead)
        hu(102_qwerty_comma_nodead) hu(102_qwerty_dot_dead) hu(102_qwerty_dot_nodead)
        hu(102_qwertz_comma_dead) hu(102_qwertz_comma_nodead) hu(102_qwertz_dot_dead)
        hu(102_qwertz_dot_nodead) hu(nodeadkeys) hu(qwerty) hu(standard) id id(javanese) id(melayu-phonetic)
        id(melayu-phoneticx) id(pegon-phonetic) id(phonetic) id(phoneticx) ie ie(CloGaelach) ie(UnicodeExpert)
        ie(ogam) ie(ogam_is434) il il(biblical) il(lyx) il(phonetic) il(si2) in in(asm-kagapa) in(ben)
        in(ben-kagapa) in(ben_baishakhi) in(ben_bornona) in(ben_gitanjali) in(ben_inscript) in(ben_probhat)
        in(bolnagri) in(eeyek) in(eng) in(guj) in(guj-kagapa) in(guru) in(hin-kagapa) in(hin-wx) in(iipa)
        in(jhelum) in(kan) in(kan-kagapa) in(mal) in(mal_enhanced) in(mal_lalitha) in(mal_poorna)
        in(mar-kagapa) in(marathi) in(mni) in(olck) in(ori) in(ori-bolnagri) in(ori-wx) in(san-kagapa) in(sat)
        in(tam) in(tam_tamilnet) in(tam_tamilnet_TAB) in(tam_tamilnet_TSCII) in(tam_tamilnet_with_tam_nums)
        in(tam_tamilnumbers) in(tamilnet) in(tamilnet_TAB) in(tamilnet_TSCII) in(tamilnet_tamilnumbers)
        in(tel) in(tel-kagapa) in(tel-sarala) in(urd-phonetic) in(urd-phonetic3) in(urd-winkeys) iq iq(ku)
        iq(ku_alt) iq(ku_ara) iq(ku_f) ir ir(azb) ir(ku) ir(ku_alt) ir(ku_ara) ir(ku_f) ir(pes_keypad)
        ir(winkeys) is is(dvorak) is(mac) is(mac_legacy) it it(fur) it(geo) it(ibm) it(intl) it(mac)
        it(nodeadkeys) it(scn) it(us) it(winkeys) jp jp(OADG109A) jp(dvorak) jp(kana) jp(kana86) jp(mac) jv ke
        ke(kik) kg kg(phonetic) kh kr kr(kr104) kz kz(ext) kz(kazrus) kz(latin) kz(ruskaz) la la(stea) latam
        latam(colemak) latam(colemak-gaming) latam(deadtilde) latam(dvorak) latam(nodeadkeys) lk lk(tam_TAB)
        lk(tam_unicode) lk(us) lt lt(ibm) lt(lekp) lt(lekpa) lt(ratise) lt(sgs) lt(std) lt(us) lv lv(adapted)
        lv(apostrophe) lv(ergonomic) lv(fkey) lv(modern) lv(modern-cyr) lv(tilde) ma ma(french) ma(rif)
        ma(tifinagh) ma(tifinagh-alt) ma(tifinagh-alt-phonetic) ma(tifinagh-extended)
        ma(tifinagh-extended-phonetic) ma(tifinagh-phonetic) mao md md(gag) me me(cyrillic)
        me(cyrillicalternatequotes) me(cyrillicyz) me(latinalternatequotes) me(latinunicode)
        me(latinunicodeyz) me(latinyz) mk mk(nodeadkeys) ml ml(fr-oss) ml(us-intl) ml(us-mac) mm mm(mnw)
        mm(mnw-a1) mm(shn) mm(zawgyi) mm(zgt) mn mt mt(alt-gb) mt(alt-us) mt(us) mv my my(phonetic) ng
        ng(hausa) ng(igbo) ng(yoruba) nl nl(mac) nl(std) nl(us) no no(colemak) no(colemak_dh)
        no(colemak_dh_wide) no(dvorak) no(mac) no(mac_nodeadkeys) no(nodeadkeys) no(smi) no(smi_nodeadkeys)
        no(winkeys) np nz nz(mao) ph ph(capewell-dvorak) ph(capewell-dvorak-bay) ph(capewell-qwerf2k6)
        ph(capewell-qwerf2k6-bay) ph(colemak) ph(colemak-bay) ph(dvorak) ph(dvorak-bay) ph(qwerty-bay) pk
        pk(ara) pk(snd) pk(urd-crulp) pk(urd-nla) pl pl(csb) pl(dvorak) pl(dvorak_altquotes) pl(dvorak_quotes)
        pl(dvp) pl(legacy) pl(qwertz) pl(ru_phonetic_dvorak) pl(szl) pt pt(mac) pt(mac_nodeadkeys) pt(nativo)
        pt(nativo-epo) pt(nativo-us) pt(nodeadkeys) ro ro(std) ro(winkeys) rs rs(alternatequotes) rs(latin)
        rs(latinalternatequotes) rs(latinunicode) rs(latinunicodeyz) rs(latinyz) rs(rue) rs(yz) ru ru(ab)
        ru(bak) ru(chm) ru(cv) ru(cv_latin) ru(dos) ru(kom) ru(legacy) ru(mac) ru(os_legacy) ru(os_winkeys)
        ru(phonetic) ru(phonetic_YAZHERTY) ru(phonetic_azerty) ru(phonetic_dvorak) ru(phonetic_fr)
        ru(phonetic_winkeys) ru(ruchey_en) ru(ruchey_ru) ru(sah) ru(srp) ru(tt) ru(typewriter)
        ru(typewriter-legacy) ru(udm) ru(xal) se se(dvorak) se(mac) se(nodeadkeys) se(rus) se(rus_nodeadkeys)
        se(smi) se(svdvorak) se(swl) se(us) se(us_dvorak) si si(alternatequotes) si(us) sk sk(bksl) sk(qwerty)
        sk(qwerty_bksl) sn sy sy(ku) sy(ku_alt) sy(ku_f) sy(syc) sy(syc_phonetic) tg th th(pat) th(tis) tj
        tj(legacy) tm tm(alt) tr tr(alt) tr(e) tr(f) tr(intl) tr(ku) tr(ku_alt) tr(ku_f) tr(ot) tr(otf)
        tr(otk) tr(otkf) tw tw(indigenous) tw(saisiyat) tz ua ua(crh) ua(crh_alt) ua(crh_f) ua(homophonic)
        ua(legacy) ua(macOS) ua(phonetic) ua(rstu) ua(rstu_ru) ua(typewriter) ua(winkeys) us us(alt-intl)
        us(altgr-intl) us(chr) us(colemak) us(colemak_dh) us(colemak_dh_iso) us(colemak_dh_ortho)
        us(colemak_dh_wide) us(colemak_dh_wide_iso) us(dvorak) us(dvorak-alt-intl) us(dvorak-classic)
        us(dvorak-intl) us(dvorak-l) us(dvorak-mac) us(dvorak-r) us(dvp) us(euro) us(haw) us(hbs) us(intl)
        us(mac) us(norman) us(olpc2) us(rus) us(symbolic) us(workman) us(workman-intl) uz uz(latin) vn vn(fr)
        vn(us) za
        """)
}
