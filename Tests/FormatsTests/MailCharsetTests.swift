import Testing

@testable import Formats

struct CharsetCase: Sendable {
    var label: String
    /// Base64 of the bytes.
    var digits: String
    var text: String
}

/// Charsets of mails, under right, wrong and unknown labels.
@Suite struct MailCharsetTests {
    static let right: [CharsetCase] = [
        CharsetCase(label: "gb2312", digits: "tqm1pbu5w7vT0MrVtb2jrMfrvqG/7LSmwO2jrNC70Luhow==", text: "订单还没有收到，请尽快处理，谢谢。"),
        CharsetCase(label: "gbk", digits: "tqm1pbu5w7vT0MrVtb2jrMfrvqG/7LSmwO2jrNC70Luhow==", text: "订单还没有收到，请尽快处理，谢谢。"),
        CharsetCase(label: "GB18030", digits: "tqm1pbu5w7vT0MrVtb2jrMfrvqG/7LSmwO2jrNC70Luho5Q5/DY=", text: "订单还没有收到，请尽快处理，谢谢。😀"),
        CharsetCase(label: "hz-gb-2312", digits: "fns2KTUlOzlDO1NQSlU1PSMsR2s+IT9sNCZAbSMsUDtQOyEjfn0=", text: "订单还没有收到，请尽快处理，谢谢。"),
        CharsetCase(label: "big5", digits: "rXGz5sHZqFOms6asqOyhQb3Qvqin1rNCsnqhQcHCwcKhQw==", text: "訂單還沒有收到，請儘快處理，謝謝。"),
        CharsetCase(label: "Big5-HKSCS", digits: "rXGz5sHZqFOms6asqOyhQb3Qvqin1rNCsnqhQcHCwcKhQw==", text: "訂單還沒有收到，請儘快處理，謝謝。"),
        CharsetCase(
            label: "iso-2022-jp", digits: "GyRCQ21KOCQ3JD8+JklKJCwkXiRARk8kJCRGJCQkXiQ7JHMhIyUrJT8lKyVKGyhC", text: "注文した商品がまだ届いていません。カタカナ"),
        CharsetCase(label: "shift_jis", digits: "ko2VtoK1gr2PpJVpgqqC3IK+k82CooLEgqKC3IK5gvGBQoNKg16DSoNp", text: "注文した商品がまだ届いていません。カタカナ"),
        CharsetCase(label: "x-sjis", digits: "ko2VtoK1gr2PpJVpgqqC3IK+k82CooLEgqKC3IK5gvGBQoNKg16DSoNp", text: "注文した商品がまだ届いていません。カタカナ"),
        CharsetCase(label: "euc-jp", digits: "w+3KuKS3pL++psnKpKyk3qTAxs+kpKTGpKSk3qS7pPOho6Wrpb+lq6XK", text: "注文した商品がまだ届いていません。カタカナ"),
        CharsetCase(label: "euc-kr", digits: "wda5rsfRILvzx7DAzCC+xsH3ILW1wvjHz8H2IL7KvtK9wLTPtNku", text: "주문한 상품이 아직 도착하지 않았습니다."),
        CharsetCase(
            label: "ks_c_5601-1987", digits: "wda5rsfRILvzx7DAzCC+xsH3ILW1wvjHz8H2IL7KvtK9wLTPtNku", text: "주문한 상품이 아직 도착하지 않았습니다."),
        CharsetCase(
            label: "iso-2022-kr", digits: "GyQpQw5BVjkuR1EPIA47c0cwQEwPIA4+RkF3DyAONTVCeEdPQXYPIA4+Sj5SPUA0TzRZDy4=",
            text: "주문한 상품이 아직 도착하지 않았습니다."),
        CharsetCase(
            label: "koi8-r", digits: "+sHLwdogxM8g08nIINDP0iDOxSDQ0snbo8wsINDSz9fF0tjUxSwg0M/WwczVytPUwS4=",
            text: "Заказ до сих пор не пришёл, проверьте, пожалуйста."),
        CharsetCase(label: "koi8-u", digits: "+sHNz9fMxc7O0SDOxSDQ0snK28zPLCCn1sHL", text: "Замовлення не прийшло, їжак"),
        CharsetCase(
            label: "windows-1251", digits: "x+Dq4Ocg5O4g8ej1IO/u8CDt5SDv8Oj4uOssIO/w7uLl8Pzy5Swg7+7m4Ovz6fHy4C4=",
            text: "Заказ до сих пор не пришёл, проверьте, пожалуйста."),
        CharsetCase(
            label: "iso-8859-5", digits: "t9Da0Ncg1N4g4djlIN/e4CDd1SDf4Njo8dssIN/g3tLV4Ozi1Swg397W0Nvj2eHi0C4=",
            text: "Заказ до сих пор не пришёл, проверьте, пожалуйста."),
        CharsetCase(
            label: "x-mac-cyrillic", digits: "h+Dq4Ocg5O4g8ej1IO/u8CDt5SDv8Oj43ussIO/w7uLl8Pzy5Swg7+7m4Ovz6fHy4C4=",
            text: "Заказ до сих пор не пришёл, проверьте, пожалуйста."),
        CharsetCase(
            label: "cp866", digits: "h6CqoKcgpK4g4ajlIK+u4CCtpSCv4Kjo8assIK/grqKl4OzipSwgr66moKvjqeHioC4=",
            text: "Заказ до сих пор не пришёл, проверьте, пожалуйста."),
        CharsetCase(label: "windows-1250", digits: "WmG/87PmIGfqnGy5IGphn/E=", text: "Zażółć gęślą jaźń"),
        CharsetCase(label: "iso-8859-2", digits: "UPjtbGm5IL5sdbtvdehr/SBr+fI=", text: "Příliš žluťoučký kůň"),
        CharsetCase(label: "windows-1252", digits: "k3NtYXJ0lCCWIIA1", text: "“smart” – €5"),
        CharsetCase(label: "iso-8859-1", digits: "k3NtYXJ0lCCWIIA1", text: "“smart” – €5"),
        CharsetCase(label: "iso-8859-15", digits: "NSCkIL11dnJl", text: "5 € œuvre"),
        CharsetCase(label: "windows-1253", digits: "yuHr5+zd8eE=", text: "Καλημέρα"),
        CharsetCase(label: "iso-8859-7", digits: "yuHr5+zd8eE=", text: "Καλημέρα"),
        CharsetCase(label: "windows-1254", digits: "3XN0YW5idWwg/mV5", text: "İstanbul şey"),
        CharsetCase(label: "windows-1255", digits: "+ezl7SDy5ezt", text: "שלום עולם"),
        CharsetCase(label: "iso-8859-8-i", digits: "+ezl7SDy5ezt", text: "שלום עולם"),
        CharsetCase(label: "windows-1256", digits: "49HNyMcgyMfh2sfh4w==", text: "مرحبا بالعالم"),
        CharsetCase(label: "iso-8859-6", digits: "5dHNyMc=", text: "مرحبا"),
        CharsetCase(label: "windows-1257", digits: "wP51b2xhcw==", text: "Ąžuolas"),
        CharsetCase(label: "windows-1258", digits: "0OAgTGF0", text: "Đà Lat"),
        CharsetCase(label: "tis-620", digits: "ysfRyrTV", text: "สวัสดี"),
        CharsetCase(label: "windows-874", digits: "ysfRyrTV", text: "สวัสดี"),
        CharsetCase(label: "macintosh", digits: "ZI5qiCB2dQ==", text: "déjà vu"),
        CharsetCase(label: "utf-7", digits: "K1QyQlpmUSArLSBvaw==", text: "你好 + ok"),
        CharsetCase(label: "utf-8", digits: "5L2g5aW9", text: "你好"),
        CharsetCase(label: "utf-16", digits: "//5gT31Z", text: "你好"),
        CharsetCase(label: "utf-16le", digits: "aABlAGwAbABvAA==", text: "hello"),
        CharsetCase(label: "utf-16be", digits: "T2BZfQAgAGgAZQBsAGwAbw==", text: "你好 hello"),
        CharsetCase(label: "utf-32le", digits: "YE8AAH1ZAAA=", text: "你好"),
        CharsetCase(label: "utf8", digits: "w6k=", text: "é"),
        CharsetCase(label: "ibm850", digits: "ZIJqhQ==", text: "déjà"),
    ]

    @Test("a text is read in the charset that it names", arguments: right)
    func labelled(test: CharsetCase) throws { #expect(try Self.text(test) == test.text) }

    static let wrong: [CharsetCase] = [
        CharsetCase(label: "us-ascii", digits: "tqm1pbu5w7vT0MrVtb2jrMfrvqG/7LSmwO2jrNC70Luhow==", text: "订单还没有收到，请尽快处理，谢谢。"),
        CharsetCase(
            label: "iso-8859-1", digits: "6K6i5Y2V6L+Y5rKh5pyJ5pS25Yiw77yM6K+35bC95b+r5aSE55CG77yM6LCi6LCi44CC", text: "订单还没有收到，请尽快处理，谢谢。"),
        CharsetCase(label: "utf-8", digits: "tqm1pbu5w7vT0MrVtb2jrMfrvqG/7LSmwO2jrNC70Luhow==", text: "订单还没有收到，请尽快处理，谢谢。"),
        CharsetCase(label: "utf-8", digits: "ko2VtoK1gr2PpJVpgqqC3IK+k82CooLEgqKC3IK5gvGBQoNKg16DSoNp", text: "注文した商品がまだ届いていません。カタカナ"),
        CharsetCase(
            label: "gb2312", digits: "6KiC5Zau6YKE5rKS5pyJ5pS25Yiw77yM6KuL5YSY5b+r6JmV55CG77yM6Kyd6Kyd44CC", text: "訂單還沒有收到，請儘快處理，謝謝。"),
        CharsetCase(
            label: "utf-8", digits: "x+Dq4Ocg5O4g8ej1IO/u8CDt5SDv8Oj4uOssIO/w7uLl8Pzy5Swg7+7m4Ovz6fHy4C4=",
            text: "Заказ до сих пор не пришёл, проверьте, пожалуйста."),
        CharsetCase(
            label: "utf-8", digits: "+sHLwdogxM8g08nIINDP0iDOxSDQ0snbo8wsINDSz9fF0tjUxSwg0M/WwczVytPUwS4=",
            text: "Заказ до сих пор не пришёл, проверьте, пожалуйста."),
        CharsetCase(label: "utf-8", digits: "rXGz5sHZqFOms6asqOyhQb3Qvqin1rNCsnqhQcHCwcKhQw==", text: "訂單還沒有收到，請儘快處理，謝謝。"),
        CharsetCase(label: "x-unknown-42", digits: "wda5rsfRILvzx7DAzCC+xsH3ILW1wvjHz8H2IL7KvtK9wLTPtNku", text: "주문한 상품이 아직 도착하지 않았습니다."),
        CharsetCase(label: "big5", digits: "tqm1pbu5w7vT0MrVtb2jrMfrvqG/7LSmwO2jrNC70Luhow==", text: "订单还没有收到，请尽快处理，谢谢。"),
        CharsetCase(label: "us-ascii", digits: "k3NtYXJ0lCCWIIA1", text: "“smart” – €5"),
    ]

    @Test("a wrong label is seen through", arguments: wrong)
    func mislabelled(test: CharsetCase) throws { #expect(try Self.text(test) == test.text) }

    private static func text(_ test: CharsetCase) throws -> String {
        let head = "Content-Type: text/plain; charset=\(test.label)\nContent-Transfer-Encoding: base64\n\n"
        return try MailParser.parse(Array((head + test.digits).utf8)).text
    }

    @Test("one text leaves nothing behind for the next", arguments: ["utf-16", "UTF-32", "unicode", "iso-2022-jp", "iso-2022-kr", "gbk"])
    func nothingIsLeft(label: String) throws {
        let plain: [UInt8] =
            label.hasSuffix("16") ? [0x68, 0, 0x69, 0] : label == "UTF-32" ? [0x68, 0, 0, 0, 0x69, 0, 0, 0] : Array("hi".utf8)
        let before = Charset.convert(plain, from: label)
        // A byte order mark of the other order, a shift to other letters, half a letter.
        for left: [UInt8] in [
            [0xFE, 0xFF, 0, 0x68, 0], [0, 0, 0xFE, 0xFF, 0, 0, 0, 0x68], [0x1B, 0x24, 0x42, 0x30], [0x0E, 0x30], [0xB6],
        ] {
            _ = Charset.convert(left, from: label)
            let after = Charset.convert(plain, from: label)
            #expect(after?.bytes == before?.bytes)
            #expect(after?.errors == before?.errors)
        }
    }
}
