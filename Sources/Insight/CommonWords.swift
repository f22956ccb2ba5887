// One language a line: its tag, then its commonest words (and for English the words customers write). Text, not literals: big
// collection literals take the compiler minutes.

let commonWords = """
    en the of and to a in is it that this was i you my me we he she they for on with are be have has had not but at from your our \
    their his her what when where why how who which would could should can will do does did don't doesn't didn't won't can't \
    isn't wasn't i'm i've it's there here been were if or as an by so just very all about out up no get got one more than only \
    some any please thanks thank hello hi hey great good bad terrible awful love hate happy product order service refund delivery \
    shipping account work works working broken never ever again still now after before because really too much even order ordered \
    arrived received customer support help need want money time don't these those him them am being into over then also well back \
    nice worst best excellent disappointed perfect amazing slow fast
    de der die das und ist nicht ein eine einen ich du er sie wir ihr es mit für auf von den dem des im zu zum zur auch sich aber \
    wie was wenn oder nur noch schon sehr kann habe hat haben war sind wird werden bei nach aus um an als so mir mich dir dich \
    uns mein meine kein keine danke bitte hallo guten immer wieder mehr hier doch gut alles warum jetzt nichts etwas
    fr le la les de des du un une et est je tu il elle nous vous ils ne pas que qui quoi dans pour sur avec ce cette ces mon ma \
    mes ton votre vos son sa ses mais ou où au aux en plus très bien merci bonjour suis êtes sont été être avoir ai avez c'est \
    j'ai n'est d'un d'une l'on qu'il comme tout tous rien jamais fait aussi oui non pourquoi si
    es el la los las de del un una y es que no en por para con se lo le me te mi tu su sus yo él ella nosotros usted pero como \
    más muy bien está están estoy soy son ser fue ha he hay gracias hola qué cuando donde dónde porque todo todos nada nunca esto \
    esta este eso aquí sin sí ya también puedo tiene tengo
    pt o os as um uma e é que não em por para com se eu tu ele ela nós você vocês meu minha seu sua mas como mais muito bem está \
    estão estou sou são ser foi do da dos das no na nos nas ao à pelo pela isso isto esse essa este esta obrigado obrigada olá \
    quando onde porque tudo nada nunca aqui sem sim já também tem tenho vou ter
    it il lo la i gli le di del della dei delle un una uno e è che non in per con si mi ti ci io tu lui lei noi voi mio mia tuo \
    suo ma come più molto bene sono sei siamo ho ha hanno questo questa quello cosa quando dove perché tutto tutti niente mai qui \
    senza sì già anche grazie ciao nel nella al alla da dal ne stato essere fare
    nl de het een en is niet ik je jij hij zij we wij ze van in op te met voor dat die dit deze er aan bij om als maar ook nog \
    wel naar mijn jouw zijn haar ons hebben heb heeft was waren wordt worden kan wat waar wie hoe waarom geen meer al zo dan nu \
    bedankt dank hallo goed niets alles heel zeer moet
    sv och att det är en ett som på för med av i inte jag du han hon vi ni de den har hade var kan ska vill om men så till från \
    mig dig min mitt din vad när var hur varför här där också mycket bra tack hej aldrig ingen inget allt nu bara eller skulle
    da og at det er en et som på for med af i ikke jeg du han hun vi de den har havde var kan skal vil om men så til fra mig dig \
    min mit din hvad når hvor hvordan hvorfor her der også meget godt tak hej aldrig ingen intet alt nu bare eller skulle noget
    nb og at det er en et som på for med av i ikke jeg du han hun vi de den har hadde var kan skal vil om men så til fra meg deg \
    min mitt din hva når hvor hvordan hvorfor her der også mye veldig bra takk hei aldri ingen ingenting alt nå bare eller skulle \
    noe
    fi ja on ei se hän minä sinä me te he en et emme ole olen olet oli ovat että mutta kun jos niin kuin tämä tuo mitä missä \
    miksi miten minun sinun hänen myös vain nyt hyvin hyvä kiitos hei kaikki mitään koskaan aina täällä siellä voi voin pitää
    pl i w na z do nie to jest się że a o jak ale co po tak za od dla czy już tylko jestem są był była było być mam ma mnie mi ci \
    ty on ona my wy oni bardzo dobrze dziękuję cześć gdzie kiedy dlaczego wszystko nic nigdy tego ten ta jego jej
    cs a v na s do ne to je se že o jak ale co po tak za od pro už jen jsem jsi jsou byl byla bylo být mám má mě mi ti ty on ona \
    my vy oni velmi dobře děkuji ahoj kde kdy proč všechno nic nikdy toho ten ta jeho její když nebo
    hu a az és nem hogy egy is de ez azt van volt meg el ki be mint csak már még én te ő mi ti ők nekem neki engem jó nagyon \
    köszönöm szia hol mikor miért minden semmi soha itt ott igen vagy kell lesz
    ro și în de la cu nu este sunt că să un o pe pentru din mai ce care eu tu el ea noi voi am ai are au fost dar sau foarte bine \
    mulțumesc salut unde când totul nimic niciodată acest această lui
    tr ve bir bu da de ne için ile çok mi mı ben sen o biz siz onlar var yok değil ama gibi daha en ki şey olarak olan oldu evet \
    hayır teşekkür merhaba iyi nasıl neden nerede şimdi hiç her bana sana benim senin
    id yang dan di ke dari ini itu untuk dengan tidak ada saya kamu dia kami kita mereka akan bisa sudah belum juga atau tapi \
    karena pada sangat lebih banyak apa bagaimana kenapa terima kasih halo baik enak tempat nya aku tak dalam
    vi và là của không có cho với này đó tôi bạn anh chị em ông bà chúng ta họ đã đang sẽ được rất nhiều một các những người khi \
    ở trong ra vào cảm ơn xin chào tốt sao gì thì mà cũng
    ru и в не на я что он она мы вы они это как но по за от для так же все всё бы был была было есть мне меня тебя вас нас его её \
    очень уже только когда где почему спасибо здравствуйте привет хорошо нет да
    uk і в не на я що він вона ми ви вони це як але по за від для так же все був була було є мені мене тебе вас нас його її дуже \
    вже тільки коли де чому дякую привіт добре ні та
    bg и в не на аз че той тя ние вие те това как но по за от да се ще е са съм бях беше има няма много вече само кога къде защо \
    благодаря здравейте добре
    """

let tellingLetters = """
    de ß ä ö ü
    fr é è ê ë à â ç î ï ô œ ù û
    es ñ á é í ó ú ¿ ¡
    pt ã õ á â ç é ê í ó ú
    it à è é ì ò ù
    sv å ä ö
    da å æ ø
    nb å æ ø
    fi ä ä ä ö
    pl ą ć ę ł ń ó ś ź ż
    cs á č ď é ě í ň ó ř š ť ú ů ý ž
    hu á é í ó ö ő ú ü ű
    ro ă â î ș ț ş ţ
    tr ç ğ ı ö ş ü
    vi ă â đ ê ô ơ ư ạ ả ấ ầ ẩ ậ ắ ằ ặ ẹ ẻ ế ề ể ễ ệ ỉ ị ọ ỏ ố ồ ổ ộ ớ ờ ở ợ ụ ủ ứ ừ ử ữ ự ỳ ỷ
    ru ы э ё ъ
    uk і ї є ґ
    bg ъ
    """
