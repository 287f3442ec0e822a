"""What bad light, blur, occluders and the like cost a pose model."""
