print("piflash")
